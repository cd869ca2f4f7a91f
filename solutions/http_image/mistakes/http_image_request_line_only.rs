//! 典型错误：只看请求行，不看请求头。
//!
//! - 想法：方法、路径和版本都在请求行里，后面的各行用不着。
//! - 结果：没有 `Host`、有两个 `Host`、根本不是请求头的请求，都得到 200；各个服务端对同一个请求理解不同，正是攻击者要利用的。
//!
//! 拒绝它的测试：`robust` 的 `host_is_required_once`。
//! 运行：`cargo run -p http_image_solution --example http_image_request_line_only`

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
    let request_line = header.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let request = [request_line, b"\r\nHost: a\r\n"].concat(); // 不管对方的 Host
    let without_body = header.starts_with(b"HEAD ");
    stream.write_all(&server::response(server::find_content(&request), without_body))?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(())
}
