//! HTTP 请求和响应演示，对应课程 2.4.6 节的 `http_demo.py`（讲义：`docs/2.4.6-http-demo.md`）。
//!
//! 终端：`cargo run -p http_demo`；浏览器：`http://127.0.0.1:8000/`。
//! 浏览器显示 `hello world`，终端显示浏览器发来的请求，然后程序结束：它只响应一次。

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::time::Duration;

const ADDR: &str = "0.0.0.0:8000"; // 0.0.0.0：本机的所有网卡
const BUFFER_SIZE: usize = 1024; // 字节
const TIMEOUT: Duration = Duration::from_secs(2);

fn main() -> Result<(), Box<dyn Error>> {
    let bind_addr = env::args().nth(1).unwrap_or(ADDR.to_string());
    let sock = TcpListener::bind(&bind_addr)
        .map_err(|e| format!("无法绑定 {bind_addr}：{e}。请换一个地址，形如 127.0.0.1:8001"))?;
    eprintln!("HTTP 服务端已启动：{}", sock.local_addr()?);
    // 0.0.0.0 只能绑定，不能访问
    let url = format!("http://{}/", sock.local_addr()?).replace("/0.0.0.0:", "/127.0.0.1:");
    eprintln!("只响应一次请求，然后结束。请用浏览器打开 {url}");
    let mut buffer = [0; BUFFER_SIZE];
    loop {
        // 等待浏览器连接
        let (mut connfd, addr) = sock.accept()?;
        println!("Connect from {addr}");

        // 接收HTTP请求（浏览器的备用连接什么也不发，Python 会一直等待：2 秒后换下一个连接）
        let _ = connfd.set_read_timeout(Some(TIMEOUT));
        let n = connfd.read(&mut buffer).unwrap_or(0);
        if n == 0 {
            continue;
        }
        let request = &buffer[..n];
        println!("{}", String::from_utf8_lossy(request));

        // 组织响应（HTTP 的行以 \r\n 结尾：只有 \n 时，Node.js 等客户端拒绝接收）
        let response = "HTTP/1.1 200 OK\r\nContent-Type:text/html\r\n\r\nhello world\n";

        // 发送响应（出错：浏览器已离开，换下一个连接）
        let Ok(()) = connfd.write_all(response.as_bytes()) else { continue };
        // 请求没有读完就关闭，连接会被重置，响应可能丢失：先关闭写方向，再读到对方关闭
        let _ = connfd.shutdown(Shutdown::Write);
        let _ = io::copy(&mut connfd, &mut io::sink());
        drop(connfd);
        break;
    }
    drop(sock);
    Ok(())
}
