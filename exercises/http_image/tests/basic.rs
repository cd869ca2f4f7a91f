//! 图片网页，第一关：课程要求的。

mod http;

use std::net::SocketAddr;

use assert_cmd::cargo::cargo_bin;
use http::{exchange, receive, request, server};
use testkit::draw::Bytes;
use testkit::{Outcome::*, rule};

const IMAGE: &[u8] = include_bytes!("../image.jpg");

#[test]
fn page_has_the_picture() {
    let rule = rule("/ 是 UTF-8 的网页，其中有 <img src=\"/image.jpg\">。")
        .cause(Silence, "在等浏览器关闭连接：浏览器在等响应")
        .cause(Open, "响应之后没有关闭连接")
        .cause(Closed, "没有响应就关闭了连接");
    let server = server(&rule);
    let page = exchange(&server, request("GET", "/"), &[200]);
    page.expect_type(&server, "text/html");
    let html = String::from_utf8_lossy(&page.body).to_ascii_lowercase();
    let content_type = page.field("Content-Type").to_ascii_lowercase();
    if !html.is_ascii() && !format!("{content_type}{html}").contains("utf-8") {
        server.fail("Content-Type 或者网页的 meta 说明编码是 UTF-8", "都没有说明");
    }
    let is_picture = |word: &str| {
        let word = word.replace(['"', '\''], "");
        matches!(word.trim_end_matches('/'), "src=/image.jpg" | "src=image.jpg")
    };
    let mut images = html.split("<img").skip(1).map(|rest| rest.split('>').next().unwrap_or(rest));
    if !images.any(|image| image.split_whitespace().any(is_picture)) {
        server.fail("网页中有 <img src=\"/image.jpg\">", &format!("网页是 {html:?}"));
    }
}

#[test]
fn url_can_be_opened() {
    let rule = rule("标准错误的第二行给出浏览器能打开的网址：0.0.0.0 写成 127.0.0.1。");
    let addr = SocketAddr::from(([0, 0, 0, 0], 0));
    let server = rule.client(cargo_bin!(), &[], addr);
    server.expect_stderr_lines(2);
    let stderr = server.stderr();
    let lines: Vec<&str> = stderr.lines().collect();
    let port = lines[0].rsplit(':').next().unwrap_or_default();
    let url = format!("http://127.0.0.1:{port}");
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !lines[0].ends_with(&format!("0.0.0.0:{port}")) || port == "0" {
        server.fail("第一行以监听的地址结尾，例如 0.0.0.0:41235", &format!("{:?}", lines[0]));
    }
    if !lines[1].split(&url).skip(1).any(ends) {
        server.fail(&format!("第二行有 {url}/"), &format!("第二行是 {:?}", lines[1]));
    }
}

#[test]
fn picture_is_complete() {
    let rule = rule("/image.jpg 的类型是 image/jpeg，响应体就是 image.jpg 的全部字节。")
        .cause(Other, "没有看请求的路径；类型写成了 image/jpg：jpg 只是扩展名");
    let server = server(&rule);
    let picture = exchange(&server, request("GET", "/image.jpg"), &[200]);
    picture.expect_type(&server, "image/jpeg");
    rule.cause(Other, "把图片转换成了文字；响应体前后多了换行");
    if picture.body != IMAGE {
        let actual =
            format!("有 {} 字节：{}", picture.body.len(), Bytes::new(&picture.body).show(60));
        server.fail(&format!("响应体是 image.jpg 的 {} 字节", IMAGE.len()), &actual);
    }
}

#[test]
fn other_paths_are_not_found() {
    let rule = rule("别的路径（例如浏览器自己请求的 /favicon.ico）是 404，以后的请求不受影响。")
        .cause(Other, "没有看请求的路径；用 contains 或 starts_with 比较路径")
        .cause(Closed, "不认识的路径没有响应就关闭了连接：404 也是响应")
        .cause(Ended, "遇到不认识的路径就崩溃或结束程序");
    let server = server(&rule);
    for path in ["/favicon.ico", "/image.jpgx", "/a/image.jpg", "/image", "/index.html"] {
        exchange(&server, request("GET", path), &[404]);
    }
    for path in ["/", "/image.jpg", "/"] {
        exchange(&server, request("GET", path), &[200]);
    }
    server.expect_running();
}

#[test]
fn many_connections_at_once() {
    let rule = rule("许多连接可以同时存在，互不等待：什么也不发的，不影响别的立即得到响应。")
        .cause(Silence, "服务完一个连接才接受下一个；线程的个数是固定的：应为每个连接启动一个线程")
        .cause(Ended, "一个连接的错误结束了整个程序，或者使线程崩溃");
    let server = server(&rule);
    let clients: Vec<_> = (0..80).map(|_| server.connect()).collect();
    for client in clients.iter().rev().take(3) {
        client.send(request("GET", "/image.jpg"));
        receive(&server, client, false, &[200]);
    }
    server.expect_running();
}
