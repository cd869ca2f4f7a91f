//! 典型错误：拿整个请求目标与路径比较。
//!
//! - 想法：请求行的第二个单词就是路径。
//! - 结果：`/image.jpg?v=1` 找不到了：`?` 起的部分是查询，不是路径；网页常用它让浏览器重新取图片。
//!
//! 拒绝它的测试：`robust` 的 `query_is_not_part_of_the_path`。
//! 运行：`cargo run -p http_image_solution --example http_image_query_in_path`

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
    let target = text.split(' ').nth(1).unwrap_or_default();
    let content = match server::find_content(&header) {
        Ok(_) if target != "/" && target != "/image.jpg" => Err("404 Not Found"),
        content => content,
    };
    stream.write_all(&server::response(content, header.starts_with(b"HEAD ")))?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(())
}
