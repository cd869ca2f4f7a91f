//! 典型错误：把图片转换为文字。
//!
//! - 想法：响应用 `format!` 组织，图片也先用 `from_utf8_lossy` 转换为字符串。
//! - 结果：JPEG 不是 UTF-8，每处无效的字节都变成 `�`（3 个字节）：图片损坏，浏览器显示不出来。
//!
//! 拒绝它的测试：`basic` 的 `picture_is_complete`。
//! 运行：`cargo run -p http_image_solution --example http_image_lossy_picture`

use std::env;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

#[allow(dead_code)]
#[path = "../src/server.rs"]
mod server; // 只用其中的 find_content：错误不在内容

fn main() -> io::Result<()> {
    let addr = env::args().nth(1).unwrap_or("0.0.0.0:8000".to_string());
    let sock = TcpListener::bind(addr)?;
    eprintln!("图片网页服务端已启动：{}", sock.local_addr()?);
    loop {
        let (connfd, _) = sock.accept()?;
        thread::spawn(move || serve(&connfd));
    }
}

fn serve(mut connfd: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    let n = connfd.read(&mut buffer)?;
    let (status, content_type, body) = match server::find_content(&buffer[..n]) {
        Ok((content_type, body)) => ("200 OK", content_type, body),
        Err(status) => (status, "text/plain", status.as_bytes()),
    };
    let body = String::from_utf8_lossy(body);
    let length = body.len();
    let response = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    connfd.write_all(response.as_bytes())
}
