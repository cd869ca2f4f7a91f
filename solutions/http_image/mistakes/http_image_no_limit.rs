//! 典型错误：一直读到空行，不管有多长。
//!
//! - 想法：请求头都不长，读到空行就会停。
//! - 结果：对方不停地发送，又不发空行，内存就一直增长；几个这样的连接可以用尽整台机器的内存。
//!
//! 拒绝它的测试：`robust` 的 `header_over_the_limit`。
//! 运行：`cargo run -p http_image_solution --example http_image_no_limit`

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
    let without_body = header.starts_with(b"HEAD ");
    stream.write_all(&server::response(server::find_content(&header), without_body))?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(())
}
