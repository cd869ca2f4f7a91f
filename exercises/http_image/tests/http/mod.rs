//! 由测试扮演的浏览器：发送请求，收下整个响应，检查它的格式。两关共用。

use assert_cmd::cargo::cargo_bin;
use testkit::{Outcome, Peer, Program, Rule};

/// 一个完整的响应。
pub struct Response {
    pub status: u16,
    pub body: Vec<u8>,
    fields: Vec<(String, String)>,
}

impl Response {
    /// 响应头中 `name` 的值，名字不分大小写；没有或多于一个时是空的。
    pub fn field(&self, name: &str) -> &str {
        let mut found = self.fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => value,
            _ => "",
        }
    }

    /// 内容类型是 `expected`，后面可以有参数（例如 charset）。
    #[track_caller]
    pub fn expect_type(&self, server: &Program, expected: &str) {
        let actual = self.field("Content-Type").to_ascii_lowercase();
        if actual.split(';').next() != Some(expected) {
            let actual = format!("Content-Type 是 {actual:?}");
            server.fail(&format!("Content-Type 是 {expected}"), &actual);
        }
    }
}

/// 启动服务端。
#[track_caller]
pub fn server(rule: &Rule) -> Program {
    rule.server(cargo_bin!(), &[])
}

/// 浏览器请求 `path` 的全部字节，方法是 `method`。
pub fn request(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n")
}

/// 在新的连接上发送 `request`，收下响应，响应码应是 `statuses` 之一。
#[track_caller]
pub fn exchange(server: &Program, request: impl AsRef<[u8]>, statuses: &[u16]) -> Response {
    let client = server.connect();
    client.send(request.as_ref());
    receive(server, &client, request.as_ref().starts_with(b"HEAD "), statuses)
}

/// 在 `client` 上收下一个响应，直到连接结束，响应码应是 `statuses` 之一；`is_head`：请求是 HEAD。
#[track_caller]
pub fn receive(server: &Program, client: &Peer, is_head: bool, statuses: &[u16]) -> Response {
    client.expect("HTTP/1.1 ");
    let response = parse(&client.receive_to_end(), is_head);
    let codes: Vec<String> = statuses.iter().map(u16::to_string).collect();
    let expected = format!("响应码为 {} 的完整响应，然后正常关闭连接", codes.join(" 或 "));
    match response {
        Ok(response) if !statuses.contains(&response.status) => {
            server.fail(&expected, &format!("响应码是 {}", response.status))
        }
        _ if client.was_reset() => {
            let cause = "请求还有没读的字节，就关闭了连接：应先关闭写方向，再读到 0 字节为止";
            fail(server, &expected, "连接被重置，浏览器可能丢失响应", cause)
        }
        Ok(response) => response,
        Err((problem, cause)) => fail(server, &expected, &problem, cause),
    }
}

/// 测试失败；原因是 `cause`，不是规则的。
#[track_caller]
pub fn fail(server: &Program, expected: &str, actual: &str, cause: &str) -> ! {
    server.rule().cause(Outcome::Other, cause);
    server.fail(expected, actual)
}

/// 解析“HTTP/1.1 ”之后的响应；不合格式时返回哪里不合，和常见的原因。
fn parse(received: &[u8], is_head: bool) -> Result<Response, (String, &'static str)> {
    let error = |problem: &str, cause| Err((problem.to_string(), cause));
    let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        let line = received.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let cause = match line.windows(4).any(|bytes| bytes == b"\\r\\n") {
            true => "r\"…\" 和 r#\"…\"# 中的 \\r\\n 不是换行，是四个字符：响应头用普通的 \"…\"",
            false => "行尾是 \\r\\n，不是 \\n；最后一行之后还有空行，只有 \\r\\n",
        };
        return error("响应头后面没有空行", cause);
    };
    let header = String::from_utf8_lossy(&received[..end]);
    if header.replace("\r\n", "").contains(['\r', '\n']) {
        return error("响应头中有单独的 \\r 或 \\n", "每一行都以 \\r\\n 结尾");
    }
    let body = received[end + 4..].to_vec();
    let mut lines = header.split("\r\n");
    let line = lines.next().unwrap_or_default();
    let Ok(status) = line.get(..3).unwrap_or_default().parse() else {
        return error("HTTP/1.1 后面不是三位响应码", "响应行是 HTTP/1.1、响应码、附加信息");
    };
    let mut fields = Vec::new();
    for line in lines {
        match line.split_once(':') {
            Some((name, value)) if !name.contains(' ') => {
                fields.push((name.to_string(), value.trim().to_string()));
            }
            _ => return error(&format!("响应头有一行 {line:?}"), "每一行是“名称: 值”"),
        }
    }
    let response = Response { status, body, fields };
    if !response.field("Connection").eq_ignore_ascii_case("close") {
        return error("响应头中没有 Connection: close", "每个响应都要有，出错的也一样");
    }
    let Ok(length) = response.field("Content-Length").parse::<usize>() else {
        return error("响应头中没有一个 Content-Length", "每个响应都要有，出错的也一样");
    };
    let n = response.body.len();
    let chars = String::from_utf8_lossy(&response.body).chars().count();
    let cause = match n {
        0 if is_head => return Ok(response),
        _ if is_head => "HEAD 只要响应头，出错的响应也一样",
        _ if n == length => return Ok(response),
        _ if chars == length => "数了字符：Content-Length 是字节数",
        _ if n < length => "write 可能只写一部分：用 write_all",
        _ => "响应体后面多了别的，例如换行，或者又一个响应",
    };
    error(&format!("响应码是 {status}，Content-Length 是 {length}，响应体有 {n} 字节"), cause)
}
