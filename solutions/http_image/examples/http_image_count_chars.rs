//! 典型错误：`Content-Length` 数了字符。
//!
//! - 想法：Python 的 `len(html)` 就是网页的长度；Rust 有 `chars().count()`。
//! - 结果：一个汉字是 1 个字符，却是 3 个字节。浏览器按长度只读网页的前一部分，图片在后面，就不见了。
//!
//! 拒绝它的测试：`basic` 的 `page_has_the_picture`。
//! 运行：`cargo run -p http_image_solution --example http_image_count_chars`

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
    let length = std::str::from_utf8(body).map_or(body.len(), |text| text.chars().count());
    let header = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    connfd.write_all(&[header.as_bytes(), body].concat())
}
