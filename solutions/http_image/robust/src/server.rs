//! 图片网页的服务端。

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

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

/// 请求头最多的字节数：没有尽头的请求头也不会占满内存。
const MAX_HEADER: usize = 8192;

/// 收齐请求头、发送响应、等浏览器关闭，各以此为限。
const TIMEOUT: Duration = Duration::from_secs(5);

/// 不能接受连接时，停这么久再试。
const RETRY: Duration = Duration::from_millis(100);

/// 找到的内容：内容类型和响应体；没有时是响应码和附加信息。
type Content = Result<(&'static str, &'static [u8]), &'static str>;

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr；0.0.0.0 不能作为目的地址
    //    系统的错误中没有地址，要补上
    let sock = TcpListener::bind(addr).map_err(|e| format!("无法监听 {addr}：{e}"))?;
    let mut url = sock.local_addr()?;
    eprintln!("图片网页服务端已启动：{url}");
    if url.ip().is_unspecified() {
        url.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    eprintln!("请用浏览器打开 http://{url}/");
    loop {
        // 描述符或线程用完时，立即重试只是空转：停一停，等别的连接结束
        if let Err(e) = accept(&sock) {
            eprintln!("无法接受连接：{e}");
            thread::sleep(RETRY);
        }
    }
}

/// 接受一个连接，交给一个新线程；描述符或线程用完时返回错误。
fn accept(sock: &TcpListener) -> io::Result<()> {
    // 2. 每个连接一个线程：浏览器的备用连接什么也不发，只占用自己的线程
    let (connfd, _) = sock.accept()?;
    thread::Builder::new().spawn(move || serve(&connfd))?; // thread::spawn 在线程用完时会崩溃
    Ok(())
}

/// 服务一个连接：接收请求，发送响应，关闭。
pub fn serve(mut connfd: &TcpStream) -> io::Result<()> {
    // 3. 出错时也要响应；收到的开头留在 header 中，看得出是不是 HEAD
    let mut header = Vec::new();
    let content = match read_header(connfd, &mut header) {
        Ok(()) => find_content(&header),
        Err(status) => Err(status),
    };
    // 5. 响应头和响应体一次写出；浏览器不收，也不能一直等
    connfd.set_write_timeout(Some(TIMEOUT))?;
    connfd.write_all(&response(content, header.starts_with(b"HEAD ")))?;
    // 还有没读的字节就关闭，连接会被重置，响应可能丢失：先关闭写方向，再读到浏览器关闭
    connfd.shutdown(Shutdown::Write)?;
    let end = Instant::now() + TIMEOUT;
    while read_before(end, connfd, &mut [0; 1024])? > 0 {}
    Ok(())
}

/// 接收请求头，放入 `header`，不含空行和它后面的字节；没有收齐时返回响应码和附加信息。
fn read_header(connfd: &TcpStream, header: &mut Vec<u8>) -> Result<(), &'static str> {
    let end = Instant::now() + TIMEOUT;
    let mut buffer = [0; 1024];
    loop {
        match read_before(end, connfd, &mut buffer) {
            Ok(0) => return Err("400 Bad Request"), // 没有收齐，浏览器就不再发送
            Ok(n) => header.extend(&buffer[..n]),
            Err(_) => return Err("408 Request Timeout"),
        }
        // 一次 read 可能只有半行：在全部字节中找空行，它也可能断成两段
        if let Some(n) = header.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            header.truncate(n);
            return Ok(());
        }
        if header.len() > MAX_HEADER {
            return Err("431 Request Header Fields Too Large");
        }
    }
}

/// 同 `read`，但是最多等到 `end`。
fn read_before(end: Instant, mut connfd: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    // 读超时只管一次 read，对方每次发一个字节，就永远不会超时：每次只给剩下的时间
    let rest = end.saturating_duration_since(Instant::now());
    if rest.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    connfd.set_read_timeout(Some(rest))?;
    connfd.read(buffer)
}

/// 请求头 `header` 要的内容。
pub fn find_content(header: &[u8]) -> Content {
    // 4. 请求行是“方法 目标 版本”；对方发来什么都有可能，所以不用下标和 unwrap
    let header = String::from_utf8_lossy(header);
    let mut lines = header.lines();
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, version] = words[..] else { return Err("400 Bad Request") };
    let minor = version.strip_prefix("HTTP/1.").unwrap_or_default();
    // 名字到冒号为止，不分大小写：Hostname 不是 Host
    let fields = lines.filter_map(|line| line.split_once(':'));
    let hosts = fields.filter(|(name, _)| name.eq_ignore_ascii_case("Host")).count();
    // 查询（? 起）不是路径的一部分
    let path = target.split('?').next().unwrap_or_default();
    match (path, method) {
        _ if method.is_empty() || target.is_empty() => Err("400 Bad Request"),
        _ if !matches!(minor.as_bytes(), [b'0'..=b'9']) => Err("400 Bad Request"),
        _ if hosts > 1 || hosts == 0 && minor != "0" => Err("400 Bad Request"),
        ("/", "GET" | "HEAD") => Ok(("text/html; charset=utf-8", PAGE.as_bytes())),
        ("/image.jpg", "GET" | "HEAD") => Ok(("image/jpeg", IMAGE)),
        ("/" | "/image.jpg", _) => Err("405 Method Not Allowed"),
        _ => Err("404 Not Found"),
    }
}

/// 组织响应，内容是 `content`；`is_head`：没有响应体。
pub fn response(content: Content, is_head: bool) -> Vec<u8> {
    let (status, content_type, body) = match content {
        Ok((content_type, body)) => ("200 OK", content_type, body),
        Err(status) => (status, "text/plain", status.as_bytes()),
    };
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    // Content-Length 是字节数，不是字符数：浏览器凭它知道响应体到哪里为止
    let header = format!(
        "HTTP/1.1 {status}\r\n\
         Content-Type: {content_type}\r\n\
         Content-Length: {}\r\n\
         {allow}Connection: close\r\n\r\n",
        body.len()
    );
    let body = if is_head { &[] } else { body };
    // 图片不是文字，响应体始终是字节
    [header.as_bytes(), body].concat()
}
