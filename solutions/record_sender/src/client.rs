//! 记录上传的客户端。

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// 课程的数据：姓名、年龄、身高。
const RECORDS: [&str; 3] = ["张三  18   177", "李四  19   180", "王五  120  183"];

/// 回答最多的字节数，含 `\n`；条数远远用不到。
const MAX_ANSWER: u64 = 32;

/// 把 `RECORDS` 发给 `addr` 的服务端，打印它保存的条数；
/// 无法连接、没有得到条数、条数与发送的不同时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 连接成功之后，两端之间是一条字节流：写几次、每次写多少，对方都看不出来
    let mut stream =
        TcpStream::connect(addr).map_err(|e| format!("无法连接 {addr}：{e}。请先启动服务端"))?;
    // 2. 所以每条记录以 \n 结尾；# 独占一行，记录中有 # 也不会误认为结束
    let message = RECORDS.map(|record| format!("{record}\n")).concat() + "#\n";
    stream.write_all(message.as_bytes()).map_err(|e| format!("无法发送到 {addr}：{e}"))?;
    // 3. 回答同样不一定一次到齐；限制长度，对方一直发送也不会占满内存
    let mut answer = Vec::new();
    let mut reader = BufReader::new(stream).take(MAX_ANSWER);
    reader.read_until(b'\n', &mut answer).map_err(|e| format!("无法从 {addr} 接收：{e}"))?;
    // 4. 没有 \n 的回答不完整（“3”可能是“30”的一半），与不是数字一样不可信
    let answer = String::from_utf8_lossy(&answer);
    let saved: Option<usize> = answer.strip_suffix('\n').and_then(|n| n.parse().ok());
    let saved = saved.ok_or(format!("服务端 {addr} 没有回答条数，收到的是 {answer:?}"))?;
    println!("服务端已保存 {saved} 条记录");
    if saved != RECORDS.len() {
        return Err(format!("发给 {addr} 的记录有 {} 条，条数不符", RECORDS.len()).into());
    }
    Ok(())
}
