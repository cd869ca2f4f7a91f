//! 典型错误：`HEAD` 当作 `GET`。
//!
//! - 想法：两个方法要的是同一个东西，同样响应就可以了。
//! - 结果：`HEAD` 的响应没有响应体：客户端读完响应头就认为响应完了，多出来的字节会被当作下一个响应。
//!
//! 拒绝它的测试：`robust` 的 `head_has_no_body`。
//! 运行：`cargo run -p http_image_solution --example http_image_head_with_body`

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
    stream.write_all(&server::response(server::find_content(&header), false))?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(())
}
