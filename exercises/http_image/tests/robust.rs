//! 图片网页，第二关：真实的对方要求的。次序与 `README.md` 相同。

mod http;

use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use http::{exchange, fail, receive, request, server};
use testkit::draw::Bytes;
use testkit::{Outcome::*, Peer, common, rule};

/// 收齐请求头的时限是 5 秒；两边留有余地：计时不会完全相同，计算机也可能很忙。
const TOO_EARLY: Duration = Duration::from_secs(4);
const TOO_LATE: Duration = Duration::from_secs(8);

fn ask(client: &Peer) {
    client.send(request("GET", "/image.jpg"));
}

#[track_caller]
fn answered(client: &Peer) {
    client.expect("HTTP/1.1 200 ");
    client.receive_to_end();
}

#[test]
fn request_in_pieces() {
    let rule = rule("请求可以断在任何地方，读到空行才响应；没有空行就不再发送的，400 或者不响应。")
        .cause(Other, "把一次 read 当作整个请求；把一行的结尾 \\r\\n 当作空行")
        .cause(Closed, "把一次 read 当作整个请求")
        .cause(Silence, "只在刚读到的一段里找空行，它却断成了两段");
    let server = server(&rule);
    let picture = request("GET", "/image.jpg");
    let n = picture.len();
    let client = server.connect();
    let mut start = 0;
    // 断在路径中、请求头的一行中、空行的 \r 之前、\r 与 \n 之间
    for end in [8, 30, n - 2, n - 1] {
        client.send(&picture[start..end]);
        client.expect_silence();
        start = end;
    }
    client.send(&picture[start..]);
    receive(&server, &client, false, &[200]);
    rule.cause(Open, "读到 0 字节还继续读：0 字节表示浏览器不再发送")
        .cause(Other, "读到 0 字节就当作收齐了：收到空行才是收齐");
    for end in [8, 30, n - 2] {
        let client = server.connect();
        client.send(&picture[..end]);
        client.finish();
        let got = client.receive_to_end();
        if !got.is_empty() && !got.starts_with(b"HTTP/1.1 4") {
            let actual = format!("把半个请求当作请求，响应 {}", Bytes::new(&got).show(60));
            server.fail("响应 400，或者不响应", &actual);
        }
    }
    server.expect_running();
}

#[test]
fn query_is_not_part_of_the_path() {
    let rule = rule("查询（`?` 起的部分）不是路径的一部分。").cause(
        Other,
        "拿整个目标与路径比较，或者从最后一个 ? 切开；用 contains 或 starts_with 比较路径",
    );
    let server = server(&rule);
    for (target, content_type) in [
        ("/image.jpg?v=1", "image/jpeg"),
        ("/image.jpg?", "image/jpeg"),
        ("/image.jpg?a=/b&c=?", "image/jpeg"),
        ("/?image.jpg", "text/html"),
        ("/?a=/image.jpg", "text/html"),
    ] {
        exchange(&server, request("GET", target), &[200]).expect_type(&server, content_type);
    }
    exchange(&server, request("GET", "/nope?/image.jpg"), &[404]);
}

#[test]
fn head_has_no_body() {
    let rule =
        rule("`HEAD` 的响应头与 `GET` 的相同，没有响应体；404 也一样。").cause(Other, "只接受 GET");
    let server = server(&rule);
    for (path, status) in [("/", 200), ("/image.jpg", 200), ("/nope", 404)] {
        let get = exchange(&server, request("GET", path), &[status]);
        let head = exchange(&server, request("HEAD", path), &[status]);
        for name in ["Content-Length", "Content-Type"] {
            if head.field(name) != get.field(name) {
                let expected = format!("HEAD {path} 的 {name} 是 {:?}", get.field(name));
                let actual = format!("是 {:?}", head.field(name));
                fail(&server, &expected, &actual, "HEAD 的响应头说的是 GET 会得到的响应体");
            }
        }
    }
}

#[test]
fn other_methods_are_not_allowed() {
    let rule = rule("`/` 和 `/image.jpg` 只接受 `GET` 和 `HEAD`：别的方法 405，响应头中有 `Allow: GET, HEAD`；没有的路径，什么方法都是 404。")
        .cause(Other, "没有看方法，或者只看了它的开头；方法区分大小写");
    let server = server(&rule);
    for path in ["/", "/image.jpg"] {
        for method in ["POST", "PUT", "DELETE", "get", "HEADER"] {
            let response = exchange(&server, request(method, path), &[405]);
            let allow = response.field("Allow");
            let mut allowed: Vec<&str> = allow.split(',').map(str::trim).collect();
            allowed.sort();
            if allowed != ["GET", "HEAD"] {
                let expected = format!("{method} {path} 的响应有 Allow: GET, HEAD");
                let actual = format!("Allow 是 {allow:?}");
                fail(&server, &expected, &actual, "405 要用 Allow 说明可以用哪些方法");
            }
        }
    }
    rule.cause(Other, "先看了方法，后看路径");
    for method in ["GET", "POST", "DELETE"] {
        exchange(&server, request(method, "/nope"), &[404]);
    }
}

#[test]
fn bad_request() {
    let rule = rule("请求行是“方法 目标 版本”，都不为空，中间各一个空格，版本是 `HTTP/1.` 和一位数字：否则 400，不是 UTF-8 的字节也一样；只是版本不对，505 也可以。")
        .cause(Ended, "用了下标（words[1]）、&version[..5] 或 unwrap：对方发来什么都有可能")
        .cause(Other, "没有检查正好有三项，都不是空的；用 split_whitespace，多余的空格就不见了");
    let server = server(&rule);
    for line in [
        "hello",
        "",
        "你好",
        "GET /",
        "GET HTTP/1.1",
        " / HTTP/1.1",
        "GET  HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / index HTTP/1.1",
    ] {
        exchange(&server, format!("{line}\r\nHost: a\r\n\r\n"), &[400]);
    }
    exchange(&server, b"\xff\xfe\xfd\r\nHost: a\r\n\r\n", &[400]);
    rule.cause(Other, "版本只看了开头；用 parse 读版本的数字，它接受 +1 和 10");
    for number in [
        "", "1", "1.", ".1", "1.x", "1.10", "1.+1", "11", "10.1", "2.0", "0.9", "1.1 ", "1.１",
        "1é",
    ] {
        exchange(&server, format!("GET / HTTP/{number}\r\nHost: a\r\n\r\n"), &[400, 505]);
    }
    for version in [b"".as_slice(), b"FTP/1.1", b"http/1.1", b"HTTP/1.\xff", b"\xe5\x9b\x9b\xe5"] {
        let request = [b"GET / ", version, b"\r\nHost: a\r\n\r\n"].concat();
        exchange(&server, request, &[400, 505]);
    }
    // 别处的字节，可以当作别的字符，也可以拒绝
    rule.cause(Other, "请求头不一定是 UTF-8：用 String::from_utf8_lossy 转换");
    exchange(&server, b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", &[400, 404]);
    exchange(&server, b"GET / HTTP/1.1\r\nHost: a\r\nCookie: \xe5\x9b\r\n\r\n", &[200, 400]);
    server.expect_running();
}

#[test]
fn host_is_required_once() {
    let rule = rule("`HTTP/1.1` 的请求正好有一行 `Host`（名字不分大小写，到冒号为止）：没有，或者不止一行，是 400；`HTTP/1.0` 可以没有。")
        .cause(Other, "没有检查 Host；用 starts_with 或 contains 找 Host（Hostname 不是 Host）；在请求体里找");
    let server = server(&rule);
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHostname: a\r\n\r\n",
        "GET / HTTP/1.1\r\nX-Host: a\r\nReferer: Host: a\r\n\r\n",
        "GET /?Host:a HTTP/1.1\r\nAccept: */*\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 11\r\n\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nhost: b\r\n\r\n",
    ] {
        exchange(&server, request, &[400]);
    }
    rule.cause(
        Other,
        "名字区分了大小写；把 Hostname 或请求体中的字也算作 Host；HTTP/1.0 也要求 Host",
    );
    for request in [
        "GET / HTTP/1.1\r\nhOST:a\r\n\r\n",
        "GET / HTTP/1.1\r\nHostname: a\r\nX-Host: b\r\nHOST:   a:8000  \r\nAccept: b:c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        exchange(&server, request, &[200]);
    }
}

#[test]
fn request_body_is_read() {
    let rule = rule("响应不会因为还有没读的字节而丢失：请求体再长，`Content-Length` 写没写、对不对，浏览器都得到一个完整的响应，连接不被重置。")
        .cause(Closed, "响应之后立即关闭：还有没读的字节，系统就重置连接。先关闭写方向，再读到 0 字节为止")
        .cause(Silence, "响应之后没有读下去，浏览器发不完；先读请求体，却不知道它到哪里为止")
        .cause(Open, "响应之后没有关闭写方向，浏览器在等响应的结尾")
        .cause(Other, "没有检查方法或 Host；把空行之后的字节（请求体）也当作请求头");
    let server = server(&rule);
    let body = "x".repeat(5 << 20);
    for (head, status) in [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5242880", 405),
        ("POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 5", 404),
        ("GET /image.jpg HTTP/1.1\r\nHost: a", 200),
        ("GET / HTTP/1.1", 400),
    ] {
        exchange(&server, format!("{head}\r\n\r\n{body}"), &[status]);
    }
    exchange(&server, request("GET", "/image.jpg") + &request("GET", "/nope"), &[200]);
}

#[test]
fn endless_header() {
    let rule = rule(
        "8 KiB 的请求（含空行）照常响应；超过 64 KiB 而空行还没有来：立即 431，别人不受影响。",
    )
    .cause(Closed, "没有响应就关闭；或者响应之后立即关闭，没读的字节使连接被重置")
    .cause(Other, "缓冲区或限制太小，装不下 8 KiB");
    let server = server(&rule);
    let line = "GET / HTTP/1.1\r\nHost: a\r\n";
    let cookie = |n: usize| format!("{line}Cookie: {}", "x".repeat(n - line.len() - 12));
    exchange(&server, cookie(8192) + "\r\n\r\n", &[200]);
    exchange(&server, format!("{line}{}\r\n", "A: b\r\n".repeat(1360)), &[200]);
    rule.cause(Silence, "没有限制请求头的长度，还在等空行：没有尽头的请求头会占满内存")
        .cause(Other, "没有限制请求头的长度，或者收到空行才看长度");
    for header in [
        cookie(70_000),
        cookie(70_000) + "\r\n\r\n",
        format!("{line}{}", "A: b\r\n".repeat(12_000)),
        "x".repeat(70_000),
    ] {
        exchange(&server, header, &[431]);
    }
    rule.cause(Silence, "只在长度正好是上限时才算过长");
    let client = server.connect();
    client.send(line);
    client.expect_silence(); // 服务端读到的长度，不再是整数块
    client.send("x".repeat(70_000));
    receive(&server, &client, false, &[431]);
    exchange(&server, request("GET", "/"), &[200]);
}

#[test]
fn header_that_never_ends() {
    let rule = rule("连接之后 5 秒还没有收齐请求头：408，不管是不发还是零星地发；响应之后等浏览器关闭，也不超过 5 秒。")
        .cause(Closed, "超时的错误用 ? 返回了，没有响应");
    let server = server(&rule);
    let no_limit = "没有时限，时限太长，或者从第一个字节起才算";
    let first_byte = "时限从第一个字节起才算，应从连接起";
    let per_read = "时限只管一次 read：浏览器每次在它之前发一个字节，就永远不会超时";
    // 谁、不响应的原因、什么时候起零星地发
    let clients = [
        ("客户端甲（什么也不发）", no_limit, Duration::MAX),
        ("客户端乙（发一半就停）", no_limit, Duration::MAX),
        ("客户端丙（零星地发）", per_read, Duration::ZERO),
        ("客户端丁（4 秒之后才零星地发）", first_byte, TOO_EARLY),
    ]
    .map(|(name, cause, from)| {
        (format!("{name}连接之后 5 秒得到 408"), cause, from, server.connect())
    });
    let start = Instant::now();
    clients[1].3.send("GET / HTTP/1.1\r\nHost: a\r\n");
    let stays = server.connect();
    stays.send(request("GET", "/"));
    receive(&server, &stays, false, &[200]);
    let mut waiting: Vec<_> = clients.iter().collect();
    while !waiting.is_empty() || !stays.was_reset() {
        server.wait(Duration::from_millis(200));
        let now = start.elapsed();
        let seconds = format!("{:.1} 秒时", now.as_secs_f32());
        let heard = waiting.iter().find(|(.., client)| client.heard());
        if let (Some((expected, ..)), true) = (heard, now < TOO_EARLY) {
            let actual = format!("{seconds}已经有了响应，或者连接已经结束");
            fail(&server, expected, &actual, "没有读到空行就响应；时限太短");
        }
        waiting.retain(|(.., client)| !client.heard());
        if let (Some((expected, cause, ..)), true) = (waiting.first(), now > TOO_LATE) {
            fail(&server, expected, &format!("{seconds}还没有"), cause);
        }
        if now > TOO_LATE {
            let expected = "客户端戊得到响应之后零星地发，不关闭：5 秒之后，服务端不再等它";
            let cause = "响应之后读到浏览器关闭为止，没有时限，或者时限只管一次 read";
            fail(&server, expected, &format!("{seconds}还在等"), cause);
        }
        waiting
            .iter()
            .filter(|(_, _, from, _)| now >= *from)
            .for_each(|(.., client)| client.send("x"));
        stays.send("y");
    }
    for (.., client) in &clients {
        receive(&server, client, false, &[408]);
    }
}

#[test]
fn clients_that_vanish() {
    common::clients_that_vanish(server, b"GET /image.jpg HT", ask, answered);
}

#[test]
fn cannot_listen() {
    common::cannot_listen(cargo_bin!(), &[]);
}

#[test]
#[cfg(unix)]
fn descriptors_run_out() {
    common::descriptors_run_out(cargo_bin!(), &[], |client| {
        ask(client);
        answered(client);
    });
}
