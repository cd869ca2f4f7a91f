//! 图片网页的服务端。

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// 图片的全部字节，编译时从文件嵌入程序。
const IMAGE: &[u8] = include_bytes!("../image.jpg");

/// 请求头（含请求行）最多的字节数。
const MAX_HEADER: usize = 8192;

/// 从接受连接到收齐请求头的时限；响应之后，等浏览器关闭连接也以此为限。
const TIMEOUT: Duration = Duration::from_secs(5);

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

/// 请求不合格式。
const BAD_REQUEST: &str = "400 Bad Request";

/// 同时服务的客户端最多的个数：一个线程占四段内存映射，Linux 默认一个进程最多 65530 段，用完就会崩溃。
const MAX_CLIENTS: usize = 10_000;

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
    let clients = Arc::new(()); // 每个线程持有一份，结束时归还：份数比客户端多一
    loop {
        // 2. 每个连接一个线程：浏览器的备用连接什么也不发，只占用自己的线程
        let result = listener.accept().and_then(|(stream, _)| {
            if Arc::strong_count(&clients) > MAX_CLIENTS {
                return Err(io::Error::other("客户端太多"));
            }
            let client = Arc::clone(&clients);
            // serve 的错误不必报告：对方已经离开，或者不收也不关闭
            thread::Builder::new().spawn(move || {
                let _client = client;
                serve(&stream)
            })
        });
        // 描述符或线程用完时，立即重试只是空转：等别的连接结束
        if let Err(e) = result {
            eprintln!("无法接受连接：{e}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// 服务一个连接：读一个请求头，发一个响应，关闭。
fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut header = Vec::new();
    let content = read_header(stream, &mut header).and_then(|()| find_content(&header));
    let without_body = header.trim_ascii_start().starts_with(b"HEAD ");
    stream.set_write_timeout(Some(TIMEOUT))?; // 对方不收，也不能一直等
    stream.write_all(&response(content, without_body))?;
    // 7. 还有没读的数据就关闭，系统会发送 RST，对方可能丢失响应：先表示不再发送，再读到对方关闭
    stream.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + TIMEOUT;
    while read_before(deadline, stream, &mut [0; 8192])? > 0 {}
    Ok(())
}

/// 把请求头读入 `header`，直到空行（可能多读一些）；没有收齐时返回响应码和附加信息。
fn read_header(stream: &TcpStream, header: &mut Vec<u8>) -> Result<(), &'static str> {
    let deadline = Instant::now() + TIMEOUT;
    let mut buffer = [0; 1024];
    loop {
        // 3. 一次 read 可能只有半行，也可能带着请求体：读到空行才算收齐，没有空行也不能一直读
        let n = read_before(deadline, stream, &mut buffer).map_err(|_| "408 Request Timeout")?;
        if n == 0 {
            return Err(BAD_REQUEST); // 没有收齐，对方就关闭了
        }
        header.extend_from_slice(&buffer[..n]);
        let end = end_of_header(header);
        // 空行可能只到了一半：末尾的 \r 先不算
        let received = header.strip_suffix(b"\r").unwrap_or(header).len();
        if end.unwrap_or(received) > MAX_HEADER {
            return Err("431 Request Header Fields Too Large");
        }
        if end.is_some() {
            return Ok(());
        }
    }
}

/// 请求头在 `data` 中的长度，到空行之前为止；空行没有到达时返回 `None`。
pub fn end_of_header(data: &[u8]) -> Option<usize> {
    // 请求行之前的空行应当忽略（RFC 9112 2.2 节）
    let start = data.iter().position(|byte| !b"\r\n".contains(byte))?;
    let is_empty_line = |rest: &[u8]| rest.starts_with(b"\r\n") || rest.starts_with(b"\n");
    (start + 1..data.len()).find(|&i| data[i - 1] == b'\n' && is_empty_line(&data[i..]))
}

/// 读一次，最晚到 `deadline`；返回读到的字节数，0 表示对方不再发送。
fn read_before(deadline: Instant, mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        // 读超时只管一次 read：对方每次在超时之前发一个字节，就永远不会超时，所以每次只给剩下的时间
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into()); // 也因为 set_read_timeout 不接受 0
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(buffer) {
            Err(e) if e.kind() == ErrorKind::Interrupted => {} // Ctrl-Z 之后 fg：再读
            result => return result,
        }
    }
}

/// 请求头 `header` 要的内容：内容类型和响应体；不能满足时返回响应码和附加信息。
pub fn find_content(header: &[u8]) -> Result<(&'static str, &'static [u8]), &'static str> {
    let header = String::from_utf8_lossy(header); // 请求头里可以有不是 UTF-8 的字节
    let (method, path) = parse(&header)?;
    // 5. 先看路径再看方法：不存在的东西，用什么方法都是 404
    match (path, method) {
        ("/", "GET" | "HEAD") => Ok(("text/html; charset=utf-8", PAGE.as_bytes())),
        ("/image.jpg", "GET" | "HEAD") => Ok(("image/jpeg", IMAGE)),
        ("/" | "/image.jpg", _) => Err("405 Method Not Allowed"),
        _ => Err("404 Not Found"),
    }
}

/// 检查请求头 `header` 的格式，返回方法和路径；不合格式时返回响应码和附加信息。
fn parse(header: &str) -> Result<(&str, &str), &'static str> {
    // 4. 对方发来什么都有可能，所以不用下标和 unwrap；lines 接受 \r\n，也接受 nc 发来的 \n
    let mut lines = header.trim_start_matches(['\r', '\n']).lines();
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, version] = words[..] else { return Err(BAD_REQUEST) };
    let number = version.strip_prefix("HTTP/").map(str::as_bytes);
    let Some([major @ b'0'..=b'9', b'.', b'0'..=b'9']) = number else { return Err(BAD_REQUEST) };
    if !is_token(method) || target.is_empty() {
        return Err(BAD_REQUEST);
    }
    if *major != b'1' {
        return Err("505 HTTP Version Not Supported");
    }
    let mut hosts = 0;
    for line in lines.take_while(|line| !line.is_empty()) {
        // 名字是单词，所以行首、冒号之前的空白和空的名字也都不合格式
        let field = line.split_once(':').filter(|(name, _)| is_token(name));
        let (name, _) = field.ok_or(BAD_REQUEST)?;
        hosts += usize::from(name.eq_ignore_ascii_case("Host"));
    }
    if hosts > 1 || (hosts == 0 && version != "HTTP/1.0") {
        return Err(BAD_REQUEST);
    }
    Ok((method, path(target)))
}

/// 请求目标中的路径：`/image.jpg?v=1` 和 `http://127.0.0.1/image.jpg` 都是 `/image.jpg`。
fn path(target: &str) -> &str {
    let target = target.split('?').next().unwrap_or_default();
    let Some(rest) = target.strip_prefix("http://") else { return target };
    rest.find('/').map_or("/", |start| &rest[start..])
}

/// `text` 是否为 HTTP 的单词（RFC 9110 5.6.2 节的 token）：方法、请求头的名字。
fn is_token(text: &str) -> bool {
    let is_token_char = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(is_token_char)
}

/// 组织响应：`content` 是内容类型和响应体，或者出错的响应码；`without_body`：只要响应头（HEAD）。
pub fn response(content: Result<(&str, &[u8]), &str>, without_body: bool) -> Vec<u8> {
    let (status, content_type, body) = match content {
        Ok((content_type, body)) => ("200 OK", content_type, body),
        Err(status) => (status, "text/plain", status.as_bytes()),
    };
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    // 6. Content-Length 是字节数，不是字符数：浏览器凭它知道响应体到哪里为止
    let header = format!(
        "HTTP/1.1 {status}\r\n\
         Content-Type: {content_type}\r\n\
         Content-Length: {}\r\n\
         {allow}Connection: close\r\n\r\n",
        body.len()
    );
    // 图片不是文字，响应体始终是字节
    let body = if without_body { &[] } else { body };
    [header.as_bytes(), body].concat()
}
