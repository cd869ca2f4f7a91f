//! 典型错误：发完没有关闭写方向。
//!
//! - 想法：字节都发出去了，服务端自然知道发完了。
//! - 结果：服务端等更多的字节，客户端等回答，双方一直等待；第二关的服务端 5 秒之后放弃它。
//!   `shutdown(Shutdown::Write)` 才是“发完了”。
//!
//! 拒绝它的测试：`basic` 的 `client_sends_exactly_the_file`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_client_no_shutdown -- client exercises/image_upload/photo.jpg`

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let file = env::args().nth(2).unwrap_or("exercises/image_upload/photo.jpg".to_string());
    let addr = env::args().nth(3).unwrap_or("127.0.0.1:5555".to_string());
    let mut picture = File::open(file)?;
    let mut tcp_socket = TcpStream::connect(addr)?;
    let n = io::copy(&mut picture, &mut tcp_socket)?;
    let mut answer = String::new();
    BufReader::new(tcp_socket).read_line(&mut answer)?;
    if answer != format!("{n}\n") {
        return Err(io::Error::other(format!("发送了 {n} 字节，服务端的回答却是 {answer:?}")));
    }
    println!("上传成功：{n} 字节");
    Ok(())
}
