//! 典型错误：服务完一个连接，再接受下一个。
//!
//! - 想法：网页和图片是先后两个请求，依次响应就可以了。
//! - 结果：浏览器会预先打开备用连接，什么也不发：服务端等着它，真正的请求排在后面，网页一直打不开。
//!
//! 拒绝它的测试：`basic` 的 `two_connections_at_once`。
//! 运行：`cargo run -p http_image_solution --example http_image_one_connection`

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

#[allow(dead_code)]
#[path = "../src/server.rs"]
mod server; // 借用其中正确的部分

fn main() -> io::Result<()> {
    let addr = env::args().nth(1).unwrap_or("0.0.0.0:8000".to_string());
    let listener = TcpListener::bind(addr)?;
    eprintln!("图片网页服务端已启动：{}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        let _ = serve(&stream);
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
