//! 典型错误：响应之后立即关闭连接。
//!
//! - 想法：响应已经写出，请求体用不着，不必读。
//! - 结果：还有没读的字节就关闭，系统发送的是 RST，不是 FIN：浏览器还在发送，随即出错，可能丢失响应。
//!
//! 拒绝它的测试：`robust` 的 `request_body_is_read`。
//! 运行：`cargo run -p http_image_solution --example http_image_close_at_once`，
//! 另一个终端：`curl -i -T image.jpg http://127.0.0.1:8000/`（在有 `image.jpg` 的目录里）。

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

#[allow(dead_code)]
#[path = "../robust/src/server.rs"]
mod server; // 只用其中的 find_content 和 response：错误不在内容

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
    let mut reader = BufReader::new(connfd);
    let mut header = Vec::new();
    while !header.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut header)? == 0 {
            return Ok(());
        }
    }
    let is_head = header.starts_with(b"HEAD ");
    connfd.write_all(&server::response(server::find_content(&header), is_head))
}
