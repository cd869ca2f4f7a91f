//! 记录上传的客户端。

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

/// 课程的数据：姓名、年龄、身高。
const RECORDS: [&str; 3] = ["张三  18   177", "李四  19   180", "王五  120  183"];

/// 把 `RECORDS` 发给 `addr` 的服务端，打印它保存的条数；没有得到正确的回答时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 连接成功之后，两端之间是一条字节流：写几次、每次写多少，对方都看不出来
    let mut tcp_socket = TcpStream::connect(addr)?;
    // 2. 所以每条记录以 \n 结尾；# 独占一行，记录中有 # 也不会误认为结束
    let msg = RECORDS.join("\n") + "\n#\n";
    tcp_socket.write_all(msg.as_bytes())?;
    // 3. 回答同样不一定一次到齐：读到 \n 才完整
    let mut answer = String::new();
    BufReader::new(tcp_socket).read_line(&mut answer)?;
    // 4. 发送成功只说明字节交给了系统，服务端的回答才说明保存了几条
    println!("服务端已保存 {} 条记录", answer.trim_end());
    Ok(())
}
