//! 典型错误：服务完一个连接，才接受下一个。
//!
//! - 想法：网页和图片是先后两个请求，依次响应就可以了。
//! - 结果：浏览器会预先打开备用连接，什么也不发。服务端等着它，真正的请求排在后面，网页一直打不开。
//!
//! 拒绝它的测试：`basic` 的 `many_connections_at_once`。
//! 运行：`cargo run -p http_image_solution --example http_image_one_connection`

use std::env;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

#[allow(dead_code)]
#[path = "../src/server.rs"]
mod server; // 只用其中的 find_content 和 response：错误不在内容

fn main() -> io::Result<()> {
    let addr = env::args().nth(1).unwrap_or("0.0.0.0:8000".to_string());
    let sock = TcpListener::bind(addr)?;
    eprintln!("图片网页服务端已启动：{}", sock.local_addr()?);
    loop {
        let (connfd, _) = sock.accept()?;
        let _ = serve(&connfd);
    }
}

fn serve(mut connfd: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    let n = connfd.read(&mut buffer)?;
    let content = server::find_content(&buffer[..n]);
    connfd.write_all(&server::response(content))
}
