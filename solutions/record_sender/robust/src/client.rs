//! 记录上传的客户端。

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// 课程的数据：姓名、年龄、身高。
const RECORDS: [&str; 3] = ["张三  18   177", "李四  19   180", "王五  120  183"];

/// 回答最多的字节数，含 `\n`：没有 `\n` 的回答也不会占满内存。
const MAX_ANSWER: u64 = 32;

/// 把 `RECORDS` 发给 `addr` 的服务端，打印它保存的条数；没有得到正确的回答时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 连接成功之后，两端之间是一条字节流：写几次、每次写多少，对方都看不出来；系统的错误中没有地址，要补上
    let mut tcp_socket =
        TcpStream::connect(addr).map_err(|e| format!("无法连接 {addr}：{e}。请先启动服务端"))?;
    // 2. 所以每条记录以 \n 结尾；# 独占一行，记录中有 # 也不会误认为结束
    let msg = RECORDS.join("\n") + "\n#\n";
    tcp_socket.write_all(msg.as_bytes()).map_err(|e| format!("无法发送到 {addr}：{e}"))?;
    // 3. 回答同样不一定一次到齐：读到 \n 才完整
    let mut answer = String::new();
    let mut reader = BufReader::new(tcp_socket).take(MAX_ANSWER);
    reader.read_line(&mut answer).map_err(|e| format!("无法从 {addr} 接收：{e}"))?;
    // 没有 \n 的“3”可能是“30”的一半，空的是服务端离开了：只有完整而又相同的条数，才说明全部保存了
    if answer != format!("{}\n", RECORDS.len()) {
        return Err(format!("{addr} 应回答 {} 条，实际回答 {answer:?}", RECORDS.len()).into());
    }
    // 4. 发送成功只说明字节交给了系统，服务端的回答才说明保存了几条
    println!("服务端已保存 {} 条记录", answer.trim_end());
    Ok(())
}
