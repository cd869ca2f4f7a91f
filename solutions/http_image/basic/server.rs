//! 图片网页的服务端。
//!
//! 第一关的答案，通过 `basic` 的全部测试；真实的网络会使它出错，`robust` 中它通不过：
//! `request_in_pieces`、`half_a_request`、`query_is_not_part_of_the_path`、
//! `other_methods_are_not_allowed`、`head_has_no_body`、`request_line_that_is_not_http`、
//! `host_is_required_once`、`version_that_is_not_1`、`bad_request_comes_before_not_found`、
//! `bytes_that_are_not_utf8`、`request_body_is_read`、`header_near_the_limit_is_accepted`、
//! `header_over_the_limit`、`head_of_a_bad_request`、`header_that_never_ends`、
//! `no_descriptor_left`。

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

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr；0.0.0.0 只能监听，不能作为目的地址
    let listener = TcpListener::bind(addr).map_err(|e| format!("无法监听 {addr}：{e}"))?;
    let mut url = listener.local_addr()?;
    eprintln!("图片网页服务端已启动：{url}");
    if url.ip().is_unspecified() {
        url.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    eprintln!("请用浏览器打开 http://{url}/");
    loop {
        // 2. 每个连接一个线程：浏览器的备用连接什么也不发，只占住自己的线程
        let (stream, _) = listener.accept()?;
        thread::spawn(move || serve(&stream));
    }
}

/// 服务一个连接：接收请求，发送响应，关闭。
fn serve(mut stream: &TcpStream) -> io::Result<()> {
    // 3. 接收请求，像 http_demo 那样读一次
    let mut buffer = [0; 1024];
    let n = stream.read(&mut buffer)?;
    let content = find_content(&buffer[..n]);
    stream.write_all(&response(content))?;
    Ok(())
}

/// 请求 `request` 要的内容：内容类型和响应体；没有时返回响应码和附加信息。
fn find_content(request: &[u8]) -> Result<(&'static str, &'static [u8]), &'static str> {
    let request = String::from_utf8_lossy(request);
    // 4. 请求行是“方法 路径 版本”；浏览器还会请求 /favicon.ico，那里没有东西
    match request.split(' ').nth(1) {
        Some("/") => Ok(("text/html; charset=utf-8", PAGE.as_bytes())),
        Some("/image.jpg") => Ok(("image/jpeg", IMAGE)),
        _ => Err("404 Not Found"),
    }
}

/// 组织响应：`content` 是内容类型和响应体，或者出错的响应码和附加信息。
fn response(content: Result<(&str, &[u8]), &str>) -> Vec<u8> {
    let (status, content_type, body) = match content {
        Ok((content_type, body)) => ("200 OK", content_type, body),
        Err(status) => (status, "text/plain", status.as_bytes()),
    };
    // 5. Content-Length 是字节数，不是字符数：浏览器凭它知道响应体到哪里为止
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
