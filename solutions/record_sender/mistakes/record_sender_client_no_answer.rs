//! 典型错误：发送成功就是保存成功。
//!
//! - 想法：`write_all` 返回了 `Ok`，三条记录当然已经保存。
//! - 结果：`Ok` 只表示数据交给了本机的系统；服务端可能没有收到，也可能没有写进文件。只有它的回答才是证明。
//!
//! 拒绝它的测试：`robust` 的 `server_that_goes_away`。
//! 运行：`cargo run -p record_sender_solution --example record_sender_client_no_answer -- client`

use std::env;
use std::io::{self, Write};
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("127.0.0.1:5555".to_string());
    let mut stream = TcpStream::connect(addr)?;
    let records = ["张三  18   177", "李四  19   180", "王五  120  183"];
    for line in records.iter().chain(&["#"]) {
        stream.write_all(format!("{line}\n").as_bytes())?;
    }
    println!("服务端已保存 {} 条记录", records.len());
    Ok(())
}
