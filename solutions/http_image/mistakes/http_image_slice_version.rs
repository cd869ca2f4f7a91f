//! 典型错误：按字节的位置切开字符串。
//!
//! - 想法：版本的前五个字节应是 `HTTP/`，`&version[..5]` 取出来比较。
//! - 结果：切在一个字符的中间，或者没有五个字节，线程就崩溃：对方一个字节也得不到，终端上是一段英文。
//!
//! 拒绝它的测试：`robust` 的 `bytes_that_are_not_utf8`。
//! 运行：`cargo run -p http_image_solution --example http_image_slice_version`，
//! 另一个终端：`printf 'GET / HTTP图\r\n\r\n' | nc -N 127.0.0.1 8000`

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
    let text = String::from_utf8_lossy(&header);
    let version = text.lines().next().unwrap_or_default().split(' ').nth(2).unwrap_or_default();
    let content = if &version[..5] == "HTTP/" {
        server::find_content(&header)
    } else {
        Err("400 Bad Request")
    };
    stream.write_all(&server::response(content, header.starts_with(b"HEAD ")))?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(())
}
