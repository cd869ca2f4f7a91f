//! 用真正的浏览器看讲义的网页和 `http_image` 的网页。没有 just、mdBook 或 Chromium 时跳过，并说明缺少什么。
//!
//! 浏览器由调试管道控制（Chrome DevTools Protocol）：命令、回答和事件都是 JSON，以字节 0 结尾。
//! 脚本的结果用 `encodeURIComponent` 编码，其中没有引号，不必解析 JSON。

#![cfg(unix)] // 调试管道是描述符 3 和 4

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{env, fs, thread};

use testkit::rule;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const START_DEADLINE: Duration = Duration::from_secs(60); // 第一次启动要从磁盘读几百兆字节
const DEADLINE: Duration = Duration::from_secs(10);

/// 启动浏览器 `$0`，配置目录为 `$1`。root 用户不能用沙箱；域名一概不查，只访问本机。
const START: &str = "HOME=$1 TMPDIR=$1 exec \"$0\" --user-data-dir=\"$1\" --headless --remote-debugging-pipe \
    --no-sandbox --disable-gpu --disable-quic --disable-sync --disable-background-networking \
    --disable-component-update --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' \
    --no-first-run 3<&0 4>&1 1>&2";

/// 一页的检查：每行是一个链接、一个锚点，或一个问题。代码和表格可以在自己的框里滚动，框本身不能宽于窗口。
const PAGE: &str = "(() => {
    const lines = [...document.links].map(link => 'link ' + link.href);
    for (const element of document.querySelectorAll('[id]')) lines.push('id ' + element.id);
    for (const image of document.images) if (!image.naturalWidth) lines.push('problem 图片不能显示：' + image.src);
    if (document.querySelector('.play-button')) lines.push('problem 有运行按钮');
    dispatchEvent(new Event('beforeprint'));
    if (document.querySelector('details:not([open])')) lines.push('problem 打印时答案是折叠的');
    for (const element of document.querySelectorAll('main *')) {
        const framed = element.parentElement.closest('pre, .table-wrapper');
        if (!framed && element.getBoundingClientRect().right > 391)
            lines.push('problem 宽于窗口：' + element.outerHTML.slice(0, 100));
    }
    return lines.join('\\n');
})()";

/// 等 mdBook 列出 WORD 的搜索结果：第一行是说明，其余各行是结果的地址。
const RESULTS: &str = "new Promise(done => {
    const look = () => {
        const header = document.getElementById('mdbook-searchresults-header').textContent;
        const links = [...document.querySelectorAll('#mdbook-searchresults a')].map(link => link.href);
        if (header.includes('WORD')) done([header, ...links].join('\\n')); else requestAnimationFrame(look);
    };
    look();
})";

/// 地址指向的一节：从那个标题到下一个标题。
const SECTION: &str = "(() => {
    let element = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    let text = element.textContent;
    while ((element = element.nextElementSibling) && !element.matches('h1, h2, h3')) text += element.textContent;
    return text;
})()";

const SEARCH: &str = "document.getElementById('mdbook-search-toggle').click()";
/// 输入法选词的回车，是否没有被 mdBook 当作“打开第一个结果”；结果先清空，真的打开会使脚本中断。
const ENTER: &str = "(() => {
    document.getElementById('mdbook-searchresults').replaceChildren();
    const enter = { key: 'Enter', isComposing: true, bubbles: true, cancelable: true };
    return document.getElementById('mdbook-searchbar').dispatchEvent(new KeyboardEvent('keydown', enter));
})()";
const MARKS: &str = "document.querySelectorAll('mark').length";
const IMAGES: &str =
    "[...document.images].map(image => `${image.naturalWidth}x${image.naturalHeight}`).join()";

const PHONE: &str = r#"{"width":390,"height":844,"deviceScaleFactor":1,"mobile":true}"#;

#[test]
fn book_in_a_browser() {
    let Some(mut browser) = Browser::start(&["just", "mdbook"]) else { return };
    let dir = tempfile::tempdir().expect("无法创建临时目录");
    let mut just = Command::new("just");
    let build = just.arg("book").arg(dir.path()).current_dir(ROOT).output().expect("无法运行 just");
    assert!(build.status.success(), "just book 失败：{}", String::from_utf8_lossy(&build.stderr));
    let html = dir.path().join("html").canonicalize().expect("没有做出网页");

    let base = format!("file://{}", html.display());
    let mut problems = browser.check_pages(&html, &base);
    for base in [base, format!("http://{}", serve(html))] {
        for word in ["粘包", "三次握手"] {
            problems.extend(browser.check_search(&base, word));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn http_image_in_a_browser() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    let built = common::build(&["--bins", "-p", "http_image_robust"]);
    let exe = built.path("solutions/http_image/robust", "http_image_robust").unwrap();
    let server = rule("网页中有一张图片，浏览器能够解码。").server(exe, &[]);
    // 浏览器常常多开几个连接，什么也不发：它们不能挡住网页
    let _spares: Vec<_> = (0..6).map(|_| server.connect()).collect();
    browser.open(&format!("http://{}/", server.addr()));
    assert_eq!(browser.js(IMAGES), "640x400", "网页中有一张图片，浏览器能够解码");
}

/// 正在运行的浏览器；离开作用域时结束。
struct Browser {
    _process: Guard,
    input: Option<ChildStdin>,
    messages: Receiver<String>,
    session: String, // 命令中指明标签页的部分；打开标签页之前为空
    commands: usize,
    _profile: tempfile::TempDir, // 最后删除
}

impl Browser {
    /// 启动浏览器，打开一个空白的标签页。缺少浏览器或 `tools` 中的程序时，说明缺少什么。
    fn start(tools: &[&str]) -> Option<Browser> {
        let path = env::var_os("PATH").unwrap_or_default();
        let find = |name: &&str| {
            env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
        };
        let browsers = ["chromium", "chromium-browser", "google-chrome"];
        let missing = tools.iter().find(|tool| find(tool).is_none());
        let (Some(exe), None) = (browsers.iter().find_map(find), missing) else {
            println!("跳过：PATH 中没有 {}。", missing.unwrap_or(&"chromium"));
            return None;
        };
        let profile = tempfile::tempdir().expect("无法创建临时目录");
        let mut sh = Command::new("sh");
        let sh = sh.arg("-c").arg(START).arg(exe).arg(profile.path()).stderr(Stdio::null());
        let child = sh.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("无法启动浏览器");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            for message in output.split(0).map_while(Result::ok) {
                let _ = sender.send(String::from_utf8_lossy(&message).into_owned());
            }
        });
        let (_process, session) = (Guard(child), String::new());
        let mut browser =
            Browser { input, messages, session, commands: 0, _process, _profile: profile };
        let target = browser.call("Target.createTarget", r#"{"url":"about:blank"}"#);
        let params = format!(r#"{{"targetId":"{}","flatten":true}}"#, value(&target, "targetId"));
        let session = browser.call("Target.attachToTarget", &params);
        browser.session = format!(r#""sessionId":"{}","#, value(&session, "sessionId"));
        browser.call("Page.enable", "{}"); // 从此报告网页的事件
        browser.call("Emulation.setDeviceMetricsOverride", PHONE);
        Some(browser)
    }

    /// 打开各页，返回全部问题：脚本看到的，以及本地链接指向的文件或锚点不存在。
    fn check_pages(&mut self, html: &Path, base: &str) -> Vec<String> {
        let (mut links, mut ids, mut problems) = (Vec::new(), BTreeMap::new(), Vec::new());
        for page in pages(html) {
            self.open(&format!("file://{}", page.display()));
            let anchors: &mut BTreeSet<String> = ids.entry(page.clone()).or_default();
            for line in self.js(PAGE).lines() {
                match line.split_once(' ').expect("一个词和一段文字") {
                    ("link", link) => links.push((page.clone(), link.to_string())),
                    ("id", id) => drop(anchors.insert(id.to_string())),
                    (_, problem) => problems.push(format!("{}：{problem}", page.display())),
                }
            }
        }
        let counts = (ids.len(), links.len());
        assert!(counts.0 > 10 && counts.1 > 100, "页数、链接数不对：{counts:?}");
        for (page, link) in &links {
            let Some(rest) = link.strip_prefix(base) else { continue }; // 网上的
            let (path, anchor) = rest.split_once('#').unwrap_or((rest, ""));
            let file = html.join(decode(path.split('?').next().unwrap()).trim_start_matches('/'));
            let found = |ids: &BTreeSet<String>| ids.contains(&decode(anchor));
            if !file.is_file() || !anchor.is_empty() && !ids.get(&file).is_some_and(found) {
                problems.push(format!("{}：链接断了：{}", page.display(), decode(rest)));
            }
        }
        problems
    }

    /// 搜索 `word`：像输入法那样分两次输入，再像地址中的 `?search=` 那样；前两个和最后一个结果都指向有这个词的一节。
    fn check_search(&mut self, base: &str, word: &str) -> Vec<String> {
        let results = RESULTS.replace("WORD", word);
        self.open(&format!("{base}/index.html"));
        self.js(SEARCH);
        let (first, rest) = word.split_at(3); // 一个汉字 3 字节
        self.call("Input.insertText", &format!(r#"{{"text":"{first}"}}"#));
        self.js(&RESULTS.replace("WORD", first));
        self.call("Input.insertText", &format!(r#"{{"text":"{rest}"}}"#));
        let typed = self.js(&results);
        let ignored = self.js(ENTER) == "true";
        self.open(&format!("{base}/index.html?search={word}"));
        let address = self.js(&results);
        let mut problems = Vec::new();
        if !ignored {
            problems.push(format!("{base} 搜索“{word}”：输入法选词的回车打开了结果"));
        }
        if typed != address || !typed.starts_with(&format!("“{word}”：")) {
            problems.push(format!("{base} 搜索“{word}”：\n输入：{typed}\n地址：{address}"));
        }
        let links: Vec<_> = typed.lines().skip(1).collect();
        for link in links.iter().take(2).chain(links.last()) {
            self.open(link);
            if !self.js(SECTION).contains(word) || self.js(MARKS) == "0" {
                problems.push(format!("搜索“{word}”，这一节没有，或者没有标出：{}", decode(link)));
            }
        }
        problems
    }

    /// 打开网址，等网页加载完。只有锚点不同时，浏览器不重新加载。
    fn open(&mut self, url: &str) {
        self.send("Page.navigate", &format!(r#"{{"url":"{url}"}}"#));
        let event = self.wait(url, &["Page.frameNavigated", "Page.navigatedWithinDocument"]);
        assert!(!event.contains("unreachableUrl"), "浏览器打不开 {url}");
        if event.contains("Page.frameNavigated") {
            self.wait(url, &["Page.loadEventFired"]);
        }
    }

    /// 在网页中运行脚本，返回它的结果。
    fn js(&mut self, script: &str) -> String {
        let script = format!("Promise.resolve({script}).then(encodeURIComponent)");
        let params = format!(r#"{{"expression":{script:?},"awaitPromise":true}}"#);
        let answer = self.call("Runtime.evaluate", &params);
        assert!(!answer.contains("exceptionDetails"), "脚本出错：{answer}\n{script}");
        decode(value(&answer, "value"))
    }

    /// 发出命令，返回回答。
    fn call(&mut self, method: &str, params: &str) -> String {
        self.send(method, params);
        let answer =
            self.wait(&format!("{method} {params}"), &[&format!("{{\"id\":{},", self.commands)]);
        assert!(!answer.contains("\"error\":{"), "{method}：{answer}");
        answer
    }

    fn send(&mut self, method: &str, params: &str) {
        self.commands += 1;
        let (id, session, input) = (self.commands, &self.session, self.input.as_mut().unwrap());
        write!(input, "{{\"id\":{id},{session}\"method\":\"{method}\",\"params\":{params}}}\0")
            .expect("浏览器已经结束");
    }

    /// 等一条消息，其中有 `parts` 中的一项。
    fn wait(&mut self, doing: &str, parts: &[&str]) -> String {
        let limit = if self.session.is_empty() { START_DEADLINE } else { DEADLINE };
        loop {
            let message = self.messages.recv_timeout(limit);
            let message = message.unwrap_or_else(|e| panic!("浏览器没有完成 {doing}：{e}"));
            if parts.iter().any(|part| message.contains(part)) {
                return message;
            }
        }
    }
}

impl Drop for Browser {
    /// 管道关闭，浏览器就结束；它的子进程也都结束，输出才关闭。
    fn drop(&mut self) {
        self.input = None;
        while self.messages.recv_timeout(DEADLINE).is_ok() {}
    }
}

/// 离开作用域时结束的程序。
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// 用 http 提供 `html` 中的文件，直到测试结束。
fn serve(html: PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("无法监听");
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for conn in listener.incoming().flatten() {
            let html = html.clone();
            thread::spawn(move || answer(conn, &html));
        }
    });
    addr
}

fn answer(mut conn: TcpStream, html: &Path) -> io::Result<()> {
    let mut lines = BufReader::new(conn.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    lines.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).for_each(drop);
    let path = first.split([' ', '?']).nth(1).unwrap_or_default();
    let (status, body) = match fs::read(html.join(decode(path).trim_start_matches('/'))) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let length = body.len();
    write!(conn, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    conn.write_all(&body)
}

/// `path` 和它下面的全部网页。
fn pages(path: &Path) -> Vec<PathBuf> {
    if let Ok(entries) = fs::read_dir(path) {
        return entries.flat_map(|entry| pages(&entry.unwrap().path())).collect();
    }
    Vec::from_iter(path.extension().is_some_and(|name| name == "html").then(|| path.to_path_buf()))
}

/// JSON 中名为 `name` 的字符串；没有时是空的。
fn value<'a>(json: &'a str, name: &str) -> &'a str {
    let rest = json.split_once(&format!("\"{name}\":\"")).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

/// 把 `%E7%B2%98` 还原成文字。
fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(hex, 16).expect("两个十六进制数字"));
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
