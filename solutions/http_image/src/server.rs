//! 图片网页的服务端。

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// 图片的全部字节，编译时从文件嵌入程序。
const IMAGE: &[u8] = include_bytes!("../image.jpg");

/// 网页；浏览器解析到 `img`，再用另一个请求取图片。
const PAGE: &str = r#"<!DOCTYPE html>
<html lang="zh-CN">
<head>
  <meta charset="utf-8">
  <title>HTTP 请求与响应</title>
</head>
<body style="font-family: sans-serif; text-align: center">
  <h1>一张图片，两次请求</h1>
  <p>浏览器先请求这个网页，再请求网页中的图片。</p>
  <img src="/image.jpg" alt="浏览器发出请求，服务端以图片响应" style="max-width: 100%">
</body>
</html>
"#;

/// 找到的内容：内容类型和响应体；没有时是响应码和附加信息。
type Content = Result<(&'static str, &'static [u8]), &'static str>;

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr；0.0.0.0 不能作为目的地址
    let sock = TcpListener::bind(addr)?;
    let mut url = sock.local_addr()?;
    eprintln!("图片网页服务端已启动：{url}");
    if url.ip().is_unspecified() {
        url.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    eprintln!("请用浏览器打开 http://{url}/");
    loop {
        // 2. 每个连接一个线程：浏览器的备用连接什么也不发，只占用自己的线程
        let (connfd, _) = sock.accept()?;
        thread::spawn(move || serve(&connfd));
    }
}

/// 服务一个连接：接收请求，发送响应，关闭。
fn serve(mut connfd: &TcpStream) -> io::Result<()> {
    // 3. 像 http_demo 那样读一次
    let mut buffer = [0; 1024];
    let n = connfd.read(&mut buffer)?;
    let content = find_content(&buffer[..n]);
    // 5. 响应头和响应体一次写出
    connfd.write_all(&response(content))
}

/// 请求 `request` 要的内容。
pub fn find_content(request: &[u8]) -> Content {
    // 4. 请求行是“方法 路径 版本”；浏览器还会自己请求 /favicon.ico，那里没有东西
    let request = String::from_utf8_lossy(request);
    match request.split(' ').nth(1) {
        Some("/") => Ok(("text/html; charset=utf-8", PAGE.as_bytes())),
        Some("/image.jpg") => Ok(("image/jpeg", IMAGE)),
        _ => Err("404 Not Found"),
    }
}

/// 组织响应，内容是 `content`。
pub fn response(content: Content) -> Vec<u8> {
    let (status, content_type, body) = match content {
        Ok((content_type, body)) => ("200 OK", content_type, body),
        Err(status) => (status, "text/plain", status.as_bytes()),
    };
    // Content-Length 是字节数，不是字符数：浏览器凭它知道响应体到哪里为止
    let header = format!(
        "HTTP/1.1 {status}\r\n\
         Content-Type: {content_type}\r\n\
         Content-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    // 图片不是文字，响应体始终是字节
    [header.as_bytes(), body].concat()
}
