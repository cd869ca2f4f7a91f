//! 图片网页：课程要求的功能。先让这里的测试全部通过，再看 `robust.rs`。

mod http;

use std::fs;
use std::io::Write;
use std::path::Path;

use assert_cmd::cargo::cargo_bin;
use http::{exchange, receive, request, seconds, start_server};
use testkit::{Program, connect, program};

#[test]
fn page_has_the_picture() {
    let (mut server, addr) = start_server(
        "浏览器请求 /：应得到 UTF-8 的网页，其中有 <img src=\"/image.jpg\">。\n\
         常见原因：行尾是 \\n 而不是 \\r\\n；Content-Length 数的是字符，不是字节；\n\
         Content-Type 不是 text/html；没有说明编码是 UTF-8，浏览器会显示乱码。",
    );
    let page = exchange(&mut server, addr, request("GET", "/"), 200);
    let content_type = page.field("Content-Type").unwrap_or_default().to_ascii_lowercase();
    let Ok(html) = String::from_utf8(page.body) else { server.fail("网页是 UTF-8 的文字") };
    if content_type.split(';').next() != Some("text/html") {
        server.fail(&format!("Content-Type 是 text/html；实际是 {content_type:?}"));
    }
    let lower = html.to_ascii_lowercase();
    if !html.is_ascii() && !format!("{content_type}{lower}").contains("utf-8") {
        server.fail("Content-Type 或者网页的 meta 说明编码是 UTF-8");
    }
    let mut images = lower.split("<img").skip(1).map(|rest| rest.split('>').next().unwrap_or(rest));
    let is_picture = |word: &str| {
        let word = word.replace(['"', '\''], "");
        matches!(word.trim_end_matches('/'), "src=/image.jpg" | "src=image.jpg")
    };
    if !images.any(|image| image.split_whitespace().any(is_picture)) {
        server.fail(&format!("网页中有 <img src=\"/image.jpg\">；实际的网页：\n{html}"));
    }
}

#[test]
fn picture_is_complete() {
    let (mut server, addr) = start_server(
        "浏览器请求 /image.jpg：类型是 image/jpeg，响应体与 image.jpg 的每个字节相同。\n\
         常见原因：把图片当作文字转换；只发出了一部分（write 可能只写一部分，用 write_all）；\n\
         响应体前后多了换行。",
    );
    let picture = exchange(&mut server, addr, request("GET", "/image.jpg"), 200);
    let content_type = picture.field("Content-Type").unwrap_or_default().to_string();
    if content_type != "image/jpeg" {
        server.fail(&format!("Content-Type 是 image/jpeg；实际是 {content_type:?}"));
    }
    let file = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("image.jpg")).unwrap();
    if picture.body != file {
        let same = picture.body.iter().zip(&file).take_while(|(a, b)| a == b).count();
        server.fail(&format!(
            "响应体就是 image.jpg 的 {} 字节；实际有 {} 字节，从下标 {same} 起不同",
            file.len(),
            picture.body.len(),
        ));
    }
}

#[test]
fn favicon_is_not_found() {
    let (mut server, addr) = start_server(
        "浏览器请求网页，再自动请求 /favicon.ico（我们没有）：响应 404，网页照常显示。\n\
         常见原因：不看路径，总是以网页响应；遇到不认识的路径就结束程序。",
    );
    for (path, status) in [("/", 200), ("/favicon.ico", 404), ("/image.jpg", 200), ("/", 200)] {
        exchange(&mut server, addr, request("GET", path), status);
    }
}

#[test]
fn two_connections_at_once() {
    let (mut server, addr) = start_server(
        "浏览器开了两个连接，第一个还没有请求，第二个请求网页；然后第一个请求图片。\n\
         常见原因：服务完一个连接才接受下一个，应为每个连接启动一个线程。",
    );
    let mut first = connect(addr);
    let page = exchange(&mut server, addr, request("GET", "/"), 200);
    if page.time.as_secs() >= 3 {
        server.fail(&format!("立即得到网页；实际用了 {}", seconds(page.time)));
    }
    let picture = request("GET", "/image.jpg");
    first.write_all(picture.as_bytes()).unwrap();
    receive(&mut server, &mut first, picture.as_bytes(), 200);
}

#[test]
fn url_can_be_opened() {
    let mut server = Program::start(program(cargo_bin!()), &["0.0.0.0:0"]);
    server.explain(
        "服务端监听 0.0.0.0：标准错误的第二行给出浏览器能打开的 URL。\n\
         常见原因：URL 里写了 0.0.0.0（它不能作为目的地址），或者端口不是实际监听的端口。",
    );
    let port = server.addr().port();
    server.wait_stderr_lines(2);
    let (stderr, url) = (server.stderr(), format!("http://127.0.0.1:{port}"));
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !stderr.split(&url).skip(1).any(is_end) {
        server.fail(&format!("标准错误的第二行给出 {url}/"));
    }
    connect(([127, 0, 0, 1], port).into());
}
