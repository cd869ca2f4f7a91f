//! 用真正的浏览器打开图片网页：图片能够解码，备用连接和 `/favicon.ico` 不妨碍它。
//!
//! 运行：`just browser-check`；没有浏览器时跳过。截图保存为 `target/browser-check.png`。
//! 测试通过调试管道控制浏览器（Chrome DevTools Protocol）：命令、回答和事件都是 JSON，以字节 0 结尾。

#![cfg(unix)] // 调试管道是描述符 3 和 4

#[allow(dead_code)]
#[path = "../../../exercises/http_image/tests/http/mod.rs"]
mod http;

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, iter};

use testkit::{DEADLINE, Program, connect};

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const START_DEADLINE: Duration = Duration::from_secs(60); // 第一次启动要从磁盘读几百兆字节
const SPARES: usize = 6; // 什么也不发的备用连接
const SIZE: &str = "640x400"; // image.jpg 的宽和高

/// 启动浏览器 `$0`，配置目录为 `$1`：它从描述符 3 读命令，向 4 写回答，而 testkit 只连接 0、1、2。
/// root 用户不能用沙箱；浏览器自己的联网功能都关闭，域名一概不查，只访问 127.0.0.1。
const START: &str = "HOME=$1 TMPDIR=$1 exec \"$0\" --user-data-dir=\"$1\" --headless --remote-debugging-pipe \
    --no-sandbox --disable-gpu --disable-quic --disable-sync --disable-background-networking \
    --disable-component-update --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' \
    --no-first-run --window-size=800,700 3<&0 4>&1 1>&2";

/// 网页中各张图片解码后的大小；不能解码时是错误的名字。
const IMAGES: &str = "Promise.all([...document.images].map(image => image.decode().then(
    () => image.complete && `${image.naturalWidth}x${image.naturalHeight}`,
    error => error.name))).then(sizes => `[${sizes}]`)";

const FAVICON: &str = "fetch('/favicon.ico').then(response => `${response.status}`)";

#[test]
#[ignore = "用 just browser-check 运行"]
fn page_in_a_real_browser() {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut files = env::split_paths(&path).flat_map(|dir| BROWSERS.map(|name| dir.join(name)));
    let Some(exe) = files.find(|file| file.is_file()) else {
        println!("跳过浏览器检查：PATH 中没有 {}。", BROWSERS.join("、"));
        return;
    };
    let screenshot = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser-check.png");
    let _ = fs::remove_file(&screenshot); // 失败时不留下上一次的截图
    let (exe, screenshot) = (exe.to_string_lossy(), screenshot.to_string_lossy());
    let (mut server, addr) = http::start_server(
        "浏览器打开网页，同时有几个备用连接什么也不发；打开之后的截图是 target/browser-check.png。\n\
         Page.navigate 没有完成：常见原因是一次只服务一个连接，备用连接排在前面；\n\
         没有图片（[]）：Content-Length 数的是字符，不是字节，网页在图片之前就断了；\n\
         图片不能解码（EncodingError）：把图片当作文字转换。",
    );
    let profile = tempfile::tempdir().expect("无法创建临时目录");
    let program = Program::start("sh", &["-c", START, &exe, &profile.path().to_string_lossy()]);
    let mut browser = Browser { program, session: String::new(), seen: 0 };
    browser.program.explain("浏览器自己出了错，不是服务端；原因见标准错误。");
    // 无论结果如何，先让浏览器结束：调试管道关闭，它就结束；子进程也都结束，输出才关闭
    let result = catch_unwind(AssertUnwindSafe(|| browser.check(addr, &screenshot)));
    browser.program.end_input();
    browser.program.assert_exit(0);
    if let Err(problem) = result.unwrap_or_else(|panic| resume_unwind(panic)) {
        server.fail(&problem);
    }
    server.assert_running();
    if server.stderr().lines().count() > 2 {
        server.fail("标准错误只有启动时的两行；实际还有别的");
    }
    println!("图片 {SIZE}，备用连接 {SPARES} 个，/favicon.ico 404，重新加载后图片仍在。");
    println!("浏览器：{exe}；截图：{screenshot}");
}

/// 正在运行的浏览器。
struct Browser {
    program: Program,
    session: String, // 命令中指明标签页的部分；打开标签页之前为空
    seen: usize,     // 标准输出中已经看过的字节数
}

impl Browser {
    /// 打开网页，检查图片；请求 `/favicon.ico`；重新加载，检查图片。返回没有等到什么。
    fn check(&mut self, addr: SocketAddr, screenshot: &str) -> Result<(), String> {
        let target = self.call("Target.createTarget", r#"{"url":"about:blank"}"#)?;
        let target = value(&target, "targetId");
        let params = format!(r#"{{"targetId":"{target}","flatten":true}}"#);
        let session = self.call("Target.attachToTarget", &params)?;
        self.session = format!(r#""sessionId":"{}","#, value(&session, "sessionId"));
        self.call("Page.enable", "{}")?; // 从此报告网页的事件

        let _spares: Vec<_> = iter::repeat_with(|| connect(addr)).take(SPARES).collect();
        self.load("Page.navigate", &format!(r#"{{"url":"http://{addr}/"}}"#))?;
        self.check_image(screenshot)?;
        let status = self.evaluate(FAVICON)?;
        if status != "404" {
            return Err(format!("网页请求 /favicon.ico，得到 404；实际是 {status}"));
        }
        self.load("Page.reload", r#"{"ignoreCache":true}"#)?;
        self.check_image(screenshot)
    }

    /// 用命令 `method` 加载网页，等它和图片都收完。
    fn load(&mut self, method: &str, params: &str) -> Result<(), String> {
        self.call(method, params)?;
        // 空白页也有 load 事件，所以先等网页的地址
        let event = self.wait(method, &["\"Page.frameNavigated\"", "http://"])?;
        if event.contains("unreachableUrl") {
            return Err("浏览器打开网页；实际没有收到合格的响应".to_string());
        }
        self.wait(method, &["\"Page.loadEventFired\""]).map(drop)
    }

    /// 保存截图；检查网页中正好有一张图片，能够解码，大小正确。
    fn check_image(&mut self, screenshot: &str) -> Result<(), String> {
        let sizes = self.evaluate(IMAGES)?;
        let answer = self.call("Page.captureScreenshot", "{}")?;
        let mut base64 = Program::start("sh", &["-c", "base64 -d >\"$0\"", screenshot]);
        base64.type_bytes(value(&answer, "data").as_bytes());
        base64.end_input();
        base64.assert_exit(0);
        if sizes != format!("[{SIZE}]") {
            return Err(format!("网页中有一张图片，解码后是 [{SIZE}]；实际是 {sizes}"));
        }
        Ok(())
    }

    /// 在网页中运行 JavaScript，返回它的结果。
    fn evaluate(&mut self, script: &str) -> Result<String, String> {
        let params = format!(r#"{{"expression":{script:?},"awaitPromise":true}}"#);
        Ok(value(&self.call("Runtime.evaluate", &params)?, "value").to_string())
    }

    /// 发出命令，返回回答；等到回答才发下一个命令，所以编号可以不变。
    fn call(&mut self, method: &str, params: &str) -> Result<String, String> {
        let session = &self.session;
        let command = format!(r#"{{"id":1,{session}"method":"{method}","params":{params}}}"#);
        self.program.type_bytes(format!("{command}\0").as_bytes());
        self.wait(method, &[r#"{"id":1,"#])
    }

    /// 执行 `method` 时，等一条包含 `parts` 每一项的消息。
    fn wait(&mut self, method: &str, parts: &[&str]) -> Result<String, String> {
        let limit = if self.session.is_empty() { START_DEADLINE } else { DEADLINE };
        let end = Instant::now() + limit;
        while Instant::now() < end {
            let output = self.program.stdout();
            while let Some((message, _)) = output[self.seen..].split_once('\0') {
                self.seen += message.len() + 1;
                if parts.iter().all(|part| message.contains(part)) {
                    return Ok(message.to_string());
                }
            }
            self.program.assert_running();
            self.program.wait_output(Duration::from_millis(50));
        }
        Err(format!("浏览器在 {limit:?} 之内完成 {method}"))
    }
}

/// JSON `answer` 中名为 `name` 的字符串；没有时是整个 `answer`。
fn value<'a>(answer: &'a str, name: &str) -> &'a str {
    let rest = answer.split_once(&format!("\"{name}\":\"")).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split('"').next()).unwrap_or(answer)
}
