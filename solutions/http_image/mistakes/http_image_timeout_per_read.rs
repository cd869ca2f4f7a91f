//! 典型错误：把读超时当作收齐请求头的时限。
//!
//! - 想法：`set_read_timeout` 设为 5 秒，5 秒没有收齐就会出错。
//! - 结果：它只管一次 `read`：对方每 4 秒发一个字节，就能一直占用一个线程；这样的连接多了，服务端就停了。
//!
//! 拒绝它的测试：`robust` 的 `header_that_never_ends`。
//! 运行：`cargo run -p http_image_solution --example http_image_timeout_per_read`

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

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
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let mut header = Vec::new();
    let content = loop {
        if header.ends_with(b"\r\n\r\n") {
            break server::find_content(&header);
        }
        match reader.read_until(b'\n', &mut header) {
            Ok(0) => break Err("400 Bad Request"),
            Ok(_) => {}
            Err(_) => break Err("408 Request Timeout"),
        }
    };
    stream.write_all(&server::response(content, header.starts_with(b"HEAD ")))?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(())
}
