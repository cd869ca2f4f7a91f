//! 图片网页的服务端。

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// 空行之前最多的字节数。
const MAX_HEADER: usize = 8192;

/// 收齐请求头、发送响应、等对方关闭，各以此为限。
const TIMEOUT: Duration = Duration::from_secs(5);

/// 已有这么多线程在等连接时，服务完的线程就结束；Linux 上，等连接的线程各占一个描述符，所以不能太多。
const MAX_WAITING: usize = 8;

/// 线程最多的个数：一个线程占四段内存映射，Linux 默认一个进程最多 65530 段，用完就会崩溃。
const MAX_THREADS: usize = 10_000;

/// 线程的个数；主线程也算。
static THREADS: AtomicUsize = AtomicUsize::new(1);

/// 正在等连接的线程的个数。
static WAITING: AtomicUsize = AtomicUsize::new(0);

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
    let listener: &'static TcpListener = Box::leak(Box::new(listener)); // 各线程共用，到程序结束为止
    loop {
        serve_next(listener);
    }
}

/// 等一个连接，服务它。
fn serve_next(listener: &'static TcpListener) {
    // 2. 启动线程比服务一个连接还费时，所以反复使用：服务完的线程再来等下一个连接
    WAITING.fetch_add(1, Ordering::Relaxed);
    let result = listener.accept();
    let is_last = WAITING.fetch_sub(1, Ordering::Relaxed) == 1;
    let result = result.and_then(|(stream, _)| {
        // 没有别的线程在等：先启动一个，再去服务；备用连接再多，也总有线程在等下一个连接
        if is_last && THREADS.load(Ordering::Relaxed) < MAX_THREADS {
            thread::Builder::new().spawn(move || {
                THREADS.fetch_add(1, Ordering::Relaxed);
                while WAITING.load(Ordering::Relaxed) < MAX_WAITING {
                    serve_next(listener);
                }
                THREADS.fetch_sub(1, Ordering::Relaxed);
            })?;
        }
        Ok(serve(&stream)) // 服务时的错误不必说明：对方已经离开，或者不收也不关闭
    });
    // 描述符或线程用完时，立即重试只是空转：等别的连接结束
    if let Err(e) = result {
        eprintln!("无法接受连接：{e}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// 服务一个连接：接收请求，发送响应，关闭。
fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut header = Vec::new();
    let content = read_header(stream, &mut header).and_then(|()| find_content(&header));
    stream.set_write_timeout(Some(TIMEOUT))?; // 对方不收，也不能一直等
    stream.write_all(&response(content, header.starts_with(b"HEAD ")))?;
    // 还有没读的字节就关闭，系统会发送 RST，对方可能丢失响应：先关闭写方向，再读到对方关闭
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut Timed(stream, Instant::now() + TIMEOUT), &mut io::sink())?;
    Ok(())
}

/// 接收请求头，直到空行，放入 `header`；没有收齐时返回响应码和附加信息。
fn read_header(stream: &TcpStream, header: &mut Vec<u8>) -> Result<(), &'static str> {
    let mut reader = BufReader::with_capacity(1024, Timed(stream, Instant::now() + TIMEOUT));
    loop {
        // 3. 一次 read 可能只有半行，也可能带着请求体：一行一行地读，到空行为止
        let start = header.len();
        // 再多一个字节就超过 MAX_HEADER，不必再读；空行不算，它有两个字节
        let mut line = reader.by_ref().take((MAX_HEADER + 1 - start).max(2) as u64);
        line.read_until(b'\n', header).map_err(|_| "408 Request Timeout")?;
        match &header[start..] {
            b"\r\n" | b"\n" if start == 0 => header.clear(), // 请求行之前的空行应当忽略
            b"\r\n" | b"\n" => return Ok(()),
            _ if header.len() > MAX_HEADER => return Err("431 Request Header Fields Too Large"),
            [.., b'\n'] => {}
            _ => return Err("400 Bad Request"), // 没有收齐，对方就关闭了
        }
    }
}

/// 连接，和接收的期限。
struct Timed<'a>(&'a TcpStream, Instant);

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // 读超时只管一次 read，所以每次只给剩下的时间；一点不剩时，set_read_timeout 返回错误
        self.0.set_read_timeout(Some(self.1.saturating_duration_since(Instant::now())))?;
        self.0.read(buffer)
    }
}

/// 请求 `request` 要的内容：内容类型和响应体；没有时返回响应码和附加信息。
pub fn find_content(request: &[u8]) -> Result<(&'static str, &'static [u8]), &'static str> {
    let request = String::from_utf8_lossy(request);
    // 4. 对方发来什么都有可能，所以不用下标和 unwrap
    let mut lines = request.lines();
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, version] = words[..] else { return Err("400 Bad Request") };
    let number = version.strip_prefix("HTTP/").unwrap_or_default().as_bytes();
    // 没有冒号的一行，名字是空的
    let fields = lines.take_while(|line| !line.is_empty());
    let names: Vec<&str> = fields.map(|line| line.split_once(':').unwrap_or_default().0).collect();
    let hosts = names.iter().filter(|name| name.eq_ignore_ascii_case("Host")).count();
    // 方法和名字都是单词（RFC 9110 5.6.2 节的 token），没有空白
    let is_token_char = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let is_token = |text: &str| !text.is_empty() && text.chars().all(is_token_char);
    // 查询（? 起）不是路径的一部分；目标可以是完整的 URL
    let path = target.split('?').next().unwrap_or_default();
    let url = path.strip_prefix("http://").map(|url| url.find('/').map_or("/", |i| &url[i..]));
    match (url.unwrap_or(path), method) {
        _ if !matches!(number, [b'0'..=b'9', b'.', b'0'..=b'9']) => Err("400 Bad Request"),
        _ if target.is_empty() || !is_token(method) => Err("400 Bad Request"),
        _ if !names.iter().all(|name| is_token(name)) => Err("400 Bad Request"),
        _ if number[0] != b'1' => Err("505 HTTP Version Not Supported"),
        _ if hosts > 1 || (hosts == 0 && number != b"1.0") => Err("400 Bad Request"),
        ("/", "GET" | "HEAD") => Ok(("text/html; charset=utf-8", PAGE.as_bytes())),
        ("/image.jpg", "GET" | "HEAD") => Ok(("image/jpeg", IMAGE)),
        ("/" | "/image.jpg", _) => Err("405 Method Not Allowed"),
        _ => Err("404 Not Found"),
    }
}

/// 组织响应：`content` 是内容类型和响应体，或者出错的响应码和附加信息；`is_head`：没有响应体。
pub fn response(content: Result<(&str, &[u8]), &str>, is_head: bool) -> Vec<u8> {
    let (status, content_type, body) = match content {
        Ok((content_type, body)) => ("200 OK", content_type, body),
        Err(status) => (status, "text/plain", status.as_bytes()),
    };
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    // 5. Content-Length 是字节数，不是字符数：浏览器凭它知道响应体到哪里为止
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
