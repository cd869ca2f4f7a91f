//! 图片网页：真实的网络，真实的和恶意的浏览器。

mod http;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use http::{describe, exchange, exchange_any, receive, request, seconds, start_server};
#[cfg(unix)]
use testkit::fire::exhaust_descriptors;
use testkit::{DEADLINE, Program, TcpStream, connect, listen, program, reset, timed_out};

/// 足够一个错误的程序露出破绽；正确的程序在这段时间里没有事做。
const PAUSE: Duration = Duration::from_millis(300);

/// 请求头收齐的时限是 5 秒；两边留有余地，因为计时不会完全相同，机器也可能很忙。
const TOO_EARLY: Duration = Duration::from_millis(4500);
const TOO_LATE: Duration = Duration::from_secs(8);

/// 依次发送每个请求，检查响应码都为 `status`。
#[track_caller]
fn assert_status(server: &mut Program, addr: SocketAddr, requests: &[&str], status: u16) {
    for request in requests {
        exchange(server, addr, request, status);
    }
}

/// 服务端仍能为新的连接服务。
#[track_caller]
fn assert_still_serving(server: &mut Program, addr: SocketAddr) {
    exchange(server, addr, request("GET", "/"), 200);
    server.assert_running();
}

/// 空行之前最多的字节数。
const MAX_HEADER: usize = 8192;

/// 一个请求，空行之前恰好 `length` 字节，方法为 `method`。
fn request_of(method: &str, length: usize) -> String {
    let header = format!("{method} / HTTP/1.1\r\nHost: a\r\nCookie: #\r\n");
    header.replace('#', &"x".repeat(length - header.len() + 1)) + "\r\n"
}

/// 已经发出 `sent`，请求头还没有收齐：检查服务端在 `time` 之内不响应，也不关闭连接。
#[track_caller]
fn assert_waiting(server: &mut Program, stream: &mut TcpStream, sent: &[u8], time: Duration) {
    stream.set_read_timeout(Some(time)).unwrap();
    let mut received = [0; 1000];
    let actual = match stream.read(&mut received) {
        Err(e) if timed_out(&e) => return stream.set_read_timeout(Some(DEADLINE)).unwrap(),
        Err(e) => format!("连接出错（{e}）"),
        Ok(0) => "连接关闭".to_string(),
        Ok(n) => format!("这时不应响应\n{}", describe(&received[..n], &[])),
    };
    let (n, end) = (sent.len(), String::from_utf8_lossy(&sent[sent.len().saturating_sub(20)..]));
    server.fail(&format!(
        "请求头还没有收齐，服务端继续等；已经发出 {n} 字节，末尾是 {end:?}\n问题：{actual}"
    ));
}

/// 把请求 `request` 分成两段发送，先后在 `cuts` 的每一处断开，检查第二段到达之前没有响应，然后响应码为 200。
#[track_caller]
fn assert_cuts(server: &mut Program, addr: SocketAddr, request: &str, cuts: &[usize]) {
    let request = request.as_bytes();
    let send = |&cut: &usize| {
        let mut stream = connect(addr);
        stream.set_nodelay(true).unwrap();
        stream.write_all(&request[..cut]).unwrap();
        (stream, cut)
    };
    let streams: Vec<(TcpStream, usize)> = cuts.iter().map(send).collect();
    for (i, (mut stream, cut)) in streams.into_iter().enumerate() {
        let time = if i == 0 { PAUSE } else { PAUSE / 100 };
        assert_waiting(server, &mut stream, &request[..cut], time);
        stream.write_all(&request[cut..]).unwrap();
        receive(server, &mut stream, request, 200);
    }
}

#[test]
fn head_has_no_body() {
    let (mut server, addr) = start_server(
        "HEAD 与 GET 的响应头相同（包括 Content-Length），没有响应体，404 也一样。\n\
         常见原因：HEAD 也发出了响应体；Content-Length 写成了 0；只接受 GET。",
    );
    for (path, status) in [("/", 200), ("/image.jpg", 200), ("/nope", 404)] {
        let get = exchange(&mut server, addr, request("GET", path), status);
        let head = exchange(&mut server, addr, request("HEAD", path), status);
        for name in ["Content-Length", "Content-Type"] {
            let (expected, actual) = (get.field(name), head.field(name));
            if expected != actual {
                server.fail(&format!(
                    "HEAD {path} 的 {name} 与 GET 的相同，即 {expected:?}；实际是 {actual:?}"
                ));
            }
        }
    }
}

#[test]
fn query_is_not_part_of_the_path() {
    let (mut server, addr) = start_server(
        "路径后面有查询（? 起的部分）：按查询之前的路径响应。\n\
         常见原因：拿整个目标与路径比较；用 contains 或 starts_with 判断路径。",
    );
    for target in ["/image.jpg?v=1", "/image.jpg?", "/image.jpg?a=/b&c=?"] {
        let picture = exchange(&mut server, addr, request("GET", target), 200);
        if picture.field("Content-Type") != Some("image/jpeg") {
            server.fail(&format!("{target} 得到图片"));
        }
    }
    for target in ["/?image.jpg", "/?a=/image.jpg"] {
        let page = exchange(&mut server, addr, request("GET", target), 200);
        if !page.field("Content-Type").unwrap_or_default().starts_with("text/html") {
            server.fail(&format!("{target} 得到网页"));
        }
    }
    for target in ["/nope?/image.jpg", "/nope?"] {
        exchange(&mut server, addr, request("GET", target), 404);
    }
}

#[test]
fn other_paths_are_not_found() {
    let (mut server, addr) = start_server(
        "没有这个路径：404，不管什么方法。\n\
         常见原因：用 contains 或 starts_with 判断路径；先检查方法，于是 POST /nope 得到 405。",
    );
    for path in ["/nope", "/index.html", "/image.jpg/", "/image.jpgx", "/a/image.jpg", "/image"] {
        exchange(&mut server, addr, request("GET", path), 404);
    }
    for method in ["POST", "DELETE"] {
        exchange(&mut server, addr, request(method, "/nope"), 404);
    }
}

#[test]
fn other_methods_are_not_allowed() {
    let (mut server, addr) = start_server(
        "/ 和 /image.jpg 只接受 GET 和 HEAD，别的方法：405，响应头中有 Allow: GET, HEAD。\n\
         常见原因：不看方法；没有 Allow。",
    );
    for path in ["/", "/image.jpg"] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "GETS", "get", "HEADER"] {
            let response = exchange(&mut server, addr, request(method, path), 405);
            let allow = response.field("Allow").unwrap_or_default().to_string();
            let mut allowed: Vec<&str> = allow.split(',').map(str::trim).collect();
            allowed.sort();
            if allowed != ["GET", "HEAD"] {
                server
                    .fail(&format!("{method} {path} 的响应有 Allow: GET, HEAD；实际是 {allow:?}"));
            }
        }
    }
}

#[test]
fn request_line_that_is_not_http() {
    let (mut server, addr) = start_server(
        "请求行不是“方法 目标 HTTP/数字.数字”：400，并且继续服务。\n\
         常见原因：不检查就取下标（线程崩溃，没有响应）；用 split_whitespace，多出的空格不见了；\n\
         没有检查 split(' ') 得到的单词是不是空的；用 parse 读版本的数字，它接受 +1 和 10。",
    );
    let requests = [
        "hello\r\n\r\n",
        "hello world\r\n\r\n",
        "GET\r\nHost: a\r\n\r\n",
        "GET /\r\nHost: a\r\n\r\n",
        "GET HTTP/1.1\r\nHost: a\r\n\r\n",
        " / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET / \r\nHost: a\r\n\r\n",
        "GET / index HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 again\r\nHost: a\r\n\r\n",
        "GET / FTP/1.1\r\nHost: a\r\n\r\n",
        "GET / http/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1\r\nHost: a\r\n\r\n",
        "GET / HTTP/a.b\r\nHost: a\r\n\r\n",
        "GET / HTTP/\r\nHost: a\r\n\r\n",
        "你好，浏览器\r\n\r\n",
    ];
    assert_status(&mut server, addr, &requests, 400);
    for number in [
        "1",
        ".",
        "1.",
        ".1",
        "1.10",
        "1.01",
        "01.1",
        "10.1",
        "1.1.1",
        "11",
        "1.+1",
        "+1.1",
        "1.-1",
        "1.1x",
        "1.x",
        "x.1",
        "a.b",
        "1,1",
        "1. 1",
        "2.",
        "2.x",
        "20.0",
        "１.１",
        "1.1HTTP/1.1",
    ] {
        let request = format!("GET / HTTP/{number}\r\nHost: a\r\n\r\n");
        exchange(&mut server, addr, request, 400);
    }
    assert_still_serving(&mut server, addr);
}

#[test]
fn host_is_required_once() {
    let (mut server, addr) = start_server(
        "HTTP/1.1 的请求必须恰好有一行 Host：没有或有两行都是 400；HTTP/1.0 可以没有。\n\
         常见原因：不检查 Host；名字没有忽略大小写；在整个请求里查找 Host 这几个字。",
    );
    let bad = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n",
        "GET /image.jpg?Host:a HTTP/1.1\r\nX-Host: a\r\nReferer: Host: a\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nhost: b\r\n\r\n",
    ];
    assert_status(&mut server, addr, &bad, 400);
    let good = [
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.9\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nhOST:a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nAccept: a:b\r\nX-Host: b\r\nX-Empty:\r\nHOST:   a:8000  \r\n\r\n",
    ];
    assert_status(&mut server, addr, &good, 200);
}

#[test]
fn version_that_is_not_1() {
    let (mut server, addr) = start_server(
        "版本写法正确，但不是 1.x：505。\n\
         常见原因：不看版本；当作格式错误，响应了 400。",
    );
    let requests = [
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /image.jpg HTTP/3.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/0.9\r\nHost: a\r\n\r\n",
        "GET / HTTP/0.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET / HTTP/2.1\r\nHost: a\r\n\r\n",
    ];
    assert_status(&mut server, addr, &requests, 505);
}

#[test]
fn bad_request_comes_before_not_found() {
    let (mut server, addr) = start_server(
        "请求有两处错误：先报 400 和 505，再报 404 和 405。\n\
         常见原因：读完请求行就按路径响应，还没有检查版本和请求头；\n\
         版本只看开头的 HTTP/，没有检查它的格式。",
    );
    let bad = [
        "GET /nope HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\n\r\n",
        "POST /nope HTTP/1.x\r\nHost: a\r\n\r\n",
    ];
    assert_status(&mut server, addr, &bad, 400);
    let version = ["GET /nope HTTP/2.0\r\nHost: a\r\n\r\n", "POST / HTTP/2.0\r\nHost: a\r\n\r\n"];
    assert_status(&mut server, addr, &version, 505);
}

#[test]
fn bytes_that_are_not_utf8() {
    let (mut server, addr) = start_server(
        "请求中有不是 UTF-8 的字节：不能崩溃。\n\
         常见原因：String::from_utf8(…).unwrap()，应用 String::from_utf8_lossy；\n\
         用 &version[..5] 切开字符串，正好切在一个字符的中间；\n\
         版本只看开头的 HTTP/，没有检查它的格式。",
    );
    exchange(&mut server, addr, b"\xff\xfe\xfd\r\n\r\n", 400);
    // 版本的每个字节：换成别的，或者从这里起只有它
    for i in 0..=8 {
        for rest in [&"HTTP/1.1"[(i + 1).min(8)..], ""] {
            for bytes in [&b"\xff"[..], b"\xe5\x9b", "图".as_bytes()] {
                let version = [&b"HTTP/1.1"[..i], bytes, rest.as_bytes()].concat();
                let request = [b"GET / ", &version[..], b"\r\nHost: a\r\n\r\n"].concat();
                exchange(&mut server, addr, request, 400);
            }
        }
    }
    // 别的地方：可以当作别的字符，也可以响应 400
    let request = b"GET /nope HTTP/1.1\r\nHost: a\r\nCookie: a\r\n\r\n";
    for i in (0..request.len()).filter(|i| !b"\r\n".contains(&request[*i])) {
        let mut request = request.to_vec();
        request[i] = 0xff;
        exchange_any(&mut server, addr, request, &[400, 404]);
    }
    exchange_any(
        &mut server,
        addr,
        b"GET /?\xe5\x9b HTTP/1.1\r\nHost: \xff\r\n\r\n",
        &[200, 400, 404],
    );
    server.assert_not_panicked();
    assert_still_serving(&mut server, addr);
}

#[test]
fn request_in_pieces() {
    let (mut server, addr) = start_server(
        "请求分几段到达，断在行的中间、\\r 和 \\n 之间、空行的中间；再逐字节到达。收齐才响应。\n\
         常见原因：把一次 read 当作整个请求；只在每次读到的一段里找空行。",
    );
    let request = "GET /image.jpg HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut stream = connect(addr);
    let mut start = 0;
    for end in [2, 11, request.len() - 11, request.len() - 2, request.len() - 1] {
        stream.write_all(&request.as_bytes()[start..end]).unwrap();
        assert_waiting(&mut server, &mut stream, &request.as_bytes()[..end], PAUSE);
        start = end;
    }
    stream.write_all(&request.as_bytes()[start..]).unwrap();
    receive(&mut server, &mut stream, request.as_bytes(), 200);

    let mut stream = connect(addr);
    stream.set_nodelay(true).unwrap();
    for byte in request.bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    receive(&mut server, &mut stream, request.as_bytes(), 200);
}

#[test]
fn half_a_request() {
    let (mut server, addr) = start_server(
        "浏览器发出半个请求头，就关闭写方向：响应 400，或者不响应，关闭连接；不能响应 200。\n\
         常见原因：读到 0 字节还继续读（死循环）；没有等到空行就当作完整的请求。",
    );
    for request in ["GET", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        let mut stream = connect(addr);
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        let mut response = Vec::new();
        let end = stream.take(10_000).read_to_end(&mut response);
        let problem = match end {
            Ok(_) if response.is_empty() || response.starts_with(b"HTTP/1.1 400 ") => continue,
            Ok(_) => "响应码不是 400".to_string(),
            Err(e) if timed_out(&e) => "等了 3 秒，连接没有关闭".to_string(),
            Err(e) => format!("连接被重置（{e}）"),
        };
        server.fail(&format!(
            "响应 400 或者不响应，然后关闭连接\n问题：{problem}\n{}",
            describe(&response, request.as_bytes()),
        ));
    }
    assert_still_serving(&mut server, addr);
}

#[test]
fn request_body_is_read() {
    let (mut server, addr) = start_server(
        "请求之后还有字节：5 MiB 的请求体，第二个请求。浏览器发完之后才读：\n\
         只有一个响应，完整到达，连接没有被重置。\n\
         常见原因：响应之后立即关闭。接收缓冲区里还有没有读的字节时，系统会重置连接；\n\
         应先关闭写方向，再读到末尾。\n\
         或者：把空行之后的字节（请求体、第二个请求）也当作请求头。",
    );
    let body = "x".repeat(5 << 20);
    let length = body.len();
    for (line, status) in [
        ("POST / HTTP/1.1\r\nHost: a", 405),
        ("POST /nope HTTP/1.1\r\nHost: a", 404),
        ("POST / HTTP/1.1", 400),
        ("GET /image.jpg HTTP/1.1\r\nHost: a", 200),
    ] {
        let request = format!("{line}\r\nContent-Length: {length}\r\n\r\n{body}");
        exchange(&mut server, addr, request, status);
    }
    let both = request("GET", "/image.jpg") + &request("GET", "/nope");
    exchange(&mut server, addr, both, 200);
    exchange(&mut server, addr, request("GET", "/") + "\0\0hello\r\n\r\n", 200);
}

#[test]
fn header_near_the_limit_is_accepted() {
    let (mut server, addr) = start_server(
        "空行之前有 8190 至 8192 字节，没有超过：200，不管在哪里分成两段；后面跟着请求体，它不算。\n\
         常见原因：缓冲区太小；把空行或者请求体也算了进去；空行只到了一半，就当作太长。",
    );
    for length in [MAX_HEADER - 2, MAX_HEADER - 1, MAX_HEADER] {
        let request = request_of("GET", length);
        exchange(&mut server, addr, &request, 200);
        exchange(&mut server, addr, request.clone() + &"x".repeat(500), 200);
        // length 处是空行的开始
        let near: Vec<usize> = (length - 3..length + 2).collect();
        assert_cuts(&mut server, addr, &request, &[&[15, 1024, 4096, 8000], &near[..]].concat());
    }
}

#[test]
fn header_over_the_limit() {
    let (mut server, addr) = start_server(
        "空行之前超过 8192 字节（含请求行），无论空行是否到达：431，响应完整到达。\n\
         常见原因：没有限制，一直读；读满缓冲区就当作完整的请求；等到空行才看长度；\n\
         position 得到的位置不含最后一行的 \\r\\n，长度是它加 2。",
    );
    for length in [MAX_HEADER + 1, MAX_HEADER + 2, MAX_HEADER + 3, MAX_HEADER + 100] {
        exchange(&mut server, addr, request_of("GET", length), 431);
    }
    let long_line = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(MAX_HEADER));
    exchange(&mut server, addr, long_line, 431);
    let many_lines = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(2000));
    exchange(&mut server, addr, many_lines, 431);
    // 空行不来，浏览器在等
    exchange(&mut server, addr, "x".repeat(MAX_HEADER + 1), 431);
    exchange(&mut server, addr, &request_of("GET", 9000)[..MAX_HEADER + 1], 431);
    exchange(&mut server, addr, &request_of("GET", 9000)[..8800], 431);
    assert_still_serving(&mut server, addr);
}

#[test]
fn head_of_a_bad_request() {
    let (mut server, addr) = start_server(
        "出错的响应也一样，HEAD 没有响应体：没有 Host，版本是 2.0，请求头太长。\n\
         常见原因：请求头太长时，还没有看方法，响应了 431 和响应体。",
    );
    exchange(&mut server, addr, "HEAD / HTTP/1.1\r\n\r\n", 400);
    exchange(&mut server, addr, "HEAD / HTTP/2.0\r\nHost: a\r\n\r\n", 505);
    exchange(&mut server, addr, request_of("HEAD", MAX_HEADER + 100), 431);
}

#[test]
fn header_that_never_ends() {
    let situation = "连接之后 5 秒没有收齐请求头：408。四个连接：不发；发一半就停；不停地零星发送；4 秒后才开始零星发送。\n\
         常见原因：没有时限；时限只管一次 read，对方每次在它之前发一个字节，就永远不会超时；\n\
         超时的错误（Linux 上是 WouldBlock，Windows 上是 TimedOut）用 ? 返回了，没有响应。";
    let (mut server, addr) = start_server(situation);
    let start = Instant::now();
    let silent = connect(addr);
    let mut half = connect(addr);
    half.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n").unwrap();
    let slow = connect(addr);
    let late = connect(addr);
    for (stream, delay) in [(&slow, Duration::ZERO), (&late, Duration::from_secs(4))] {
        let mut stream = stream.try_clone().unwrap();
        thread::spawn(move || {
            thread::sleep(delay);
            let _ = stream.write_all(b"GET / HTTP/1.1\r\n");
            for byte in b"Host: a\r\nCookie: ".iter().chain(&[b'x'; 40]) {
                thread::sleep(Duration::from_millis(200)); // 零星发送就是这个测试本身
                if stream.write_all(&[*byte]).is_err() {
                    break;
                }
            }
        });
    }
    // 同时等四个响应的第一个字节，各自计时
    let waits = [&silent, &half, &slow, &late].map(|stream| {
        let stream = stream.try_clone().unwrap();
        thread::spawn(move || stream.peek(&mut [0]).map_or(DEADLINE, |_| start.elapsed()))
    });
    let names = ["什么也不发", "发一半就停", "零星发送", "4 秒之后才零星发送"];
    for ((mut stream, name), wait) in [silent, half, slow, late].into_iter().zip(names).zip(waits) {
        let time = wait.join().unwrap();
        if !(TOO_EARLY..TOO_LATE).contains(&time) {
            server.fail(&format!("{name}的连接在 5 秒时收到 408；实际等了 {}", seconds(time)));
        }
        server.explain(&format!("这是{name}的连接。\n{situation}"));
        receive(&mut server, &mut stream, b"", 408);
    }
}

#[test]
fn spare_connections_do_not_disturb() {
    let (mut server, addr) = start_server(
        "浏览器有 64 个备用连接，什么也不发；还有 64 个连接，只发了半个请求：\n\
         网页和图片照样立即得到。然后各发后半个请求，每个都得到完整的图片。\n\
         常见原因：一次只服务一个连接，或者只有固定的几个线程，要等备用连接超时才轮到下一个。",
    );
    let _spare: Vec<TcpStream> = (0..64).map(|_| connect(addr)).collect();
    let picture = request("GET", "/image.jpg");
    let (first, second) = picture.as_bytes().split_at(20);
    let mut streams: Vec<TcpStream> = (0..64).map(|_| connect(addr)).collect();
    for stream in &mut streams {
        stream.write_all(first).unwrap();
    }
    for path in ["/", "/image.jpg"] {
        let response = exchange(&mut server, addr, request("GET", path), 200);
        if response.time > Duration::from_secs(3) {
            server.fail(&format!("立即得到 {path}；实际用了 {}", seconds(response.time)));
        }
    }
    for stream in streams.iter_mut().rev() {
        stream.write_all(second).unwrap();
    }
    for stream in &mut streams {
        receive(&mut server, stream, picture.as_bytes(), 200);
    }
}

#[test]
fn browsers_that_vanish() {
    let (mut server, addr) = start_server(
        "浏览器不发请求就离开、发到一半离开、不读响应就重置连接：服务端继续服务。\n\
         常见原因：在循环中用 ? 或 unwrap，一个连接的错误结束了整个程序。",
    );
    for _ in 0..3 {
        drop(connect(addr));
        let mut stream = connect(addr);
        stream.write_all(b"GET / HT").unwrap();
        drop(stream);
        let mut stream = connect(addr);
        stream.write_all(request("GET", "/image.jpg").as_bytes()).unwrap();
        reset(stream);
    }
    assert_still_serving(&mut server, addr);
}

#[cfg(unix)]
#[test]
fn no_descriptor_left() {
    let dir = std::env::temp_dir();
    let exe = program(cargo_bin!());
    let (mut server, addr) = exhaust_descriptors(&dir, 40, &exe, &["127.0.0.1:0"]);
    assert_still_serving(&mut server, addr);
}

#[test]
fn port_in_use() {
    let (_listener, addr) = listen();
    let mut server = Program::start(program(cargo_bin!()), &[&addr.to_string()]);
    server.explain(
        "端口已被占用：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n\
         常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 tcp_server 和 tcp_client。",
    );
    server.assert_error(&["错误：", &addr.to_string()]);
}
