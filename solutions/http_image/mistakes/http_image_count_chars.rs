//! 典型错误：`Content-Length` 数了字符。
//!
//! - 想法：Python 的 `len(html)` 就是网页的长度；Rust 有 `chars().count()`。
//! - 结果：一个汉字是 1 个字符，却是 3 个字节：浏览器按长度只读到网页的一部分，后面的都丢掉了。
//!
//! 拒绝它的测试：`basic` 的 `page_has_the_picture`。
//! 运行：`cargo run -p http_image_solution --example http_image_count_chars`

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

#[allow(dead_code)]
#[path = "../src/server.rs"]
mod server; // 借用其中正确的部分

fn main() -> io::Result<()> {
    let addr = env::args().nth(1).unwrap_or("0.0.0.0:8000".to_string());
    let listener = TcpListener::bind(addr)?;
    eprintln!("图片网页服务端已启动：{}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve(&stream));
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut header = Vec::new();
    while !header.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut header)? == 0 {
            return Ok(());
        }
    }
    let (status, content_type, body) = match server::find_content(&header) {
        Ok((content_type, body)) => ("200 OK", content_type, body),
        Err(status) => (status, "text/plain", status.as_bytes()),
    };
    let length = std::str::from_utf8(body).map_or(body.len(), |text| text.chars().count());
    let header = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(&[header.as_bytes(), body].concat())?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(())
}
