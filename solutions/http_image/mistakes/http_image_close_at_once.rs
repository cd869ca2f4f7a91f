//! 典型错误：响应之后立即关闭连接。
//!
//! - 想法：响应已经写出，请求体用不着，不必读。
//! - 结果：接收缓冲区里还有没有读的字节，系统关闭时就发送 RST；对方还在发送，随即出错，可能丢失已经到达的响应。
//!
//! 拒绝它的测试：`robust` 的 `request_body_is_read`。
//! 运行：`cargo run -p http_image_solution --example http_image_close_at_once`

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
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
    stream.write_all(&server::response(server::find_content(&header), without_body))
}
