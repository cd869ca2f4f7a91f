//! 典型错误：一次 `read` 就是整个请求。
//!
//! - 想法：像 `http_demo` 那样，接收一次，就得到了请求。
//! - 结果：TCP 是字节流：请求分几段到达时只看到开头，答 400；浏览器的请求头长一些，缓冲区也装不下。
//!
//! 拒绝它的测试：`robust` 的 `request_in_pieces`。
//! 运行：`cargo run -p http_image_solution --example http_image_one_read`

use std::env;
use std::io::{self, Read, Write};
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
    let mut buffer = [0; 1024];
    let n = stream.read(&mut buffer)?;
    let content = server::find_content(&buffer[..n]);
    stream.write_all(&server::response(content, buffer.starts_with(b"HEAD ")))?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream, &mut io::sink())?;
    Ok(())
}
