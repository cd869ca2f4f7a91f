//! 典型错误：响应的行尾只有 `\n`。
//!
//! - 想法：课程的响应写在三引号里，换行就是 `\n`，浏览器也显示出来了。
//! - 结果：规定的行尾是 `\r\n`。浏览器宽容，Node.js 等客户端拒绝接收。
//!
//! 拒绝它的测试：`basic` 的 `page_has_the_picture`。
//! 运行：`cargo run -p http_image_solution --example http_image_bare_newline`

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
    let length = body.len();
    let header = format!(
        "HTTP/1.1 {status}\nContent-Type: {content_type}\n\
         Content-Length: {length}\nConnection: close\n\n"
    );
    stream.write_all(&[header.as_bytes(), body].concat())?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(())
}
