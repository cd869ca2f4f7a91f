//! 由测试扮演的浏览器：发送请求，读完整个响应，检查格式。各组测试共用。

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use testkit::{Program, TcpStream, connect, program, timed_out};

/// 一个完整的响应。
pub struct Response {
    /// 响应码。
    pub status: u16,
    /// 响应体。
    pub body: Vec<u8>,
    /// 从开始等待到收到最后一个字节的时间。
    pub time: Duration,
    fields: Vec<(String, String)>,
}

impl Response {
    /// 响应头中 `name` 的值，不分大小写；没有或多于一个时返回 `None`。
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }
}

/// 启动服务端，返回它和它的地址；`situation` 说明测试做什么。
#[track_caller]
pub fn start_server(situation: &str) -> (Program, SocketAddr) {
    let dir = std::env::temp_dir(); // 图片嵌在程序里：在哪个目录运行都一样
    let mut server = Program::start_in(dir, program(cargo_bin!()), &["127.0.0.1:0"]);
    server.explain(situation);
    let addr = server.addr();
    (server, addr)
}

/// 浏览器请求 `path` 的全部字节，方法为 `method`。
pub fn request(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n")
}

/// 在新的连接上发送 `request`，检查响应码为 `status`。
#[track_caller]
pub fn exchange(
    server: &mut Program,
    addr: SocketAddr,
    request: impl AsRef<[u8]>,
    status: u16,
) -> Response {
    exchange_any(server, addr, request, &[status])
}

/// 同 [`exchange`]，响应码是 `statuses` 之一。
#[track_caller]
pub fn exchange_any(
    server: &mut Program,
    addr: SocketAddr,
    request: impl AsRef<[u8]>,
    statuses: &[u16],
) -> Response {
    let (mut stream, request) = (connect(addr), request.as_ref());
    let sent = stream.write_all(request);
    let response = receive_any(server, &mut stream, request, statuses);
    if let Err(e) = sent {
        server.fail(&format!("请求全部发完；实际：{e}\n{}", describe(&[], request)));
    }
    response
}

/// 在 `stream` 上读一个响应，直到连接关闭，检查格式，以及响应码为 `status`；`request` 是已经发出的请求。
#[track_caller]
pub fn receive(
    server: &mut Program,
    stream: &mut TcpStream,
    request: &[u8],
    status: u16,
) -> Response {
    receive_any(server, stream, request, &[status])
}

/// 同 [`receive`]，响应码是 `statuses` 之一。
#[track_caller]
fn receive_any(
    server: &mut Program,
    stream: &mut TcpStream,
    request: &[u8],
    statuses: &[u16],
) -> Response {
    let (start, mut time) = (Instant::now(), Duration::ZERO);
    let (mut received, mut buffer) = (Vec::new(), [0; 65_536]);
    let error = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break None,
            Ok(n) => received.extend_from_slice(&buffer[..n]),
            Err(e) => break Some(e),
        }
        if received.len() > 1 << 20 {
            break None; // 不停地发送的服务端
        }
        time = start.elapsed();
    };
    let problem = match (parse(&received, request), error) {
        (Ok(response), None) if statuses.contains(&response.status) => {
            return Response { time, ..response };
        }
        (Ok(response), None) => format!("响应码是 {}", response.status),
        (_, Some(e)) if timed_out(&e) => "等了很久，响应没有完，连接也没有关闭".to_string(),
        (_, Some(e)) => format!("连接被重置，浏览器可能丢失响应（{e}）"),
        (Err(problem), None) => problem,
    };
    let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
    server.fail(&format!(
        "响应码为 {} 的完整响应，然后连接正常关闭\n问题：{problem}\n{}",
        statuses.join(" 或 "),
        describe(&received, request),
    ))
}

/// 解析一个完整的响应；不合格式时返回原因。
pub fn parse(received: &[u8], request: &[u8]) -> Result<Response, String> {
    if received.is_empty() {
        return Err("没有响应，连接就关闭了".to_string());
    }
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.ok_or("响应头后面没有空行（\\r\\n\\r\\n）；每一行都要以 \\r\\n 结尾")?;
    let header = std::str::from_utf8(&received[..end]).map_err(|_| "响应头不是文字")?;
    let body = received[end + 4..].to_vec();
    let mut lines = header.split("\r\n");
    let words: Vec<&str> = lines.next().unwrap_or_default().splitn(3, ' ').collect();
    let status = words.get(1).filter(|code| code.len() == 3).and_then(|code| code.parse().ok());
    let (Some(status), Some(&"HTTP/1.1")) = (status, words.first()) else {
        return Err("第一行应是响应行：HTTP/1.1、空格、三位响应码、空格、附加信息".to_string());
    };
    let mut response = Response { status, body, time: Duration::ZERO, fields: Vec::new() };
    for line in lines {
        let (name, value) =
            line.split_once(':').ok_or(format!("响应头的一行没有冒号：{line:?}"))?;
        if name.contains(char::is_whitespace) || value.contains(['\r', '\n']) {
            return Err(format!("响应头的一行不合格式：{line:?}"));
        }
        response.fields.push((name.to_string(), value.trim().to_string()));
    }
    if !response.field("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
        return Err("响应头中没有 Connection: close".to_string());
    }
    let length = response.field("Content-Length").and_then(|value| value.parse::<usize>().ok());
    let length = length.ok_or("响应头中应有一个 Content-Length，值是响应体的字节数")?;
    match response.body.len() {
        0 if request.starts_with(b"HEAD ") => Ok(response),
        n if request.starts_with(b"HEAD ") => {
            Err(format!("响应码是 {status}，HEAD 的响应却有 {n} 字节的响应体"))
        }
        n if n == length => Ok(response),
        n => Err(format!("响应码是 {status}，Content-Length 是 {length}，响应体却有 {n} 字节")),
    }
}

/// 用于失败信息：收到的响应，发出的请求（可以是空的）。
pub fn describe(received: &[u8], request: &[u8]) -> String {
    let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let header = end.map_or("没有空行".to_string(), |end| format!("空行之前 {} 字节", end + 2));
    let received = format!("收到 {} 字节：{}", received.len(), preview(received, 200));
    match request.len() {
        0 => received,
        n => format!("{received}\n发出 {n} 字节（{header}）：{}", preview(request, 100)),
    }
}

/// 长于 `most` 字节时只有两头；不可见的字节写成转义序列。
fn preview(bytes: &[u8], most: usize) -> String {
    let show = |bytes| format!("{:?}", String::from_utf8_lossy(bytes));
    match bytes.len() {
        n if n <= most => show(bytes),
        n => format!("{} …… {}", show(&bytes[..most - 20]), show(&bytes[n - 20..])),
    }
}

/// 用于失败信息：时间，单位为秒。
pub fn seconds(time: Duration) -> String {
    format!("{:.1} 秒", time.as_secs_f32())
}
