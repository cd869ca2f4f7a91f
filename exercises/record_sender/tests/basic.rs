//! 记录上传：课程要求的功能。先让这里的测试全部通过，再看 `robust.rs`。

use std::fs;
use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::path::Path;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use testkit::{Program, TcpStream, connect, listen, program};

/// 足够一个错误的程序露出破绽；正确的程序在这段时间里没有事做。
const PAUSE: Duration = Duration::from_millis(200);

/// 课程的三条记录，每条占一行。
const RECORDS: &str = "张三  18   177\n李四  19   180\n王五  120  183\n";

/// 在目录 `dir` 中启动服务端，返回它和它的地址；`situation` 说明测试做什么。
#[track_caller]
fn start_server(dir: &Path, situation: &str) -> (Program, SocketAddr) {
    let mut server = Program::start_in(dir, program(cargo_bin!()), &["server", "127.0.0.1:0"]);
    server.explain(situation);
    let addr = server.addr();
    (server, addr)
}

/// 启动连接到 `addr` 的客户端；`situation` 说明测试做什么。
fn start_client(addr: SocketAddr, situation: &str) -> Program {
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain(situation);
    client
}

/// 测试扮演的客户端发送 `text`；对方已经断开则测试失败。
#[track_caller]
fn send(server: &mut Program, client: &mut TcpStream, text: &str) {
    if let Err(e) = client.write_all(text.as_bytes()) {
        server.fail(&format!("服务端接收 {text:?}；实际：{e}"));
    }
}

/// 检查目录 `dir` 中的 `records.txt` 正是 `expected`。
#[track_caller]
fn assert_saved(server: &mut Program, dir: &Path, expected: &str) {
    let content = fs::read(dir.join("records.txt")).unwrap_or_default();
    if content != expected.as_bytes() {
        let content = String::from_utf8_lossy(&content).into_owned();
        server.fail(&format!("records.txt 正是 {expected:?}；实际是 {content:?}"));
    }
}

#[test]
fn server_saves_the_records() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "一个客户端依次发送三条记录，然后发送“#\\n”；收到回答之后立即查看文件。\n\
         常见原因：文件名不是 records.txt，或者文件不存在时没有创建；\n\
         把一次 read 当作一条记录；\n\
         每读一行就新建一个 BufReader，丢失了前一个多读的记录；\n\
         记录没有各占一行，或者 # 也写进了文件；\n\
         回答后面没有 \\n；\n\
         回答的时候，记录还在 BufWriter 的缓冲区里。",
    );
    let mut client = connect(addr);
    for record in RECORDS.split_inclusive('\n') {
        send(&mut server, &mut client, record);
    }
    send(&mut server, &mut client, "#\n");
    server.assert_receives(&mut client, "3\n");
    assert_saved(&mut server, dir.path(), RECORDS);
    server.wait_stdout("已保存 3 条记录\n");
}

#[test]
fn server_separates_glued_records() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "客户端一次发出全部内容：三条记录和“#\\n”粘在一起，服务端应按 \\n 分开。\n\
         常见原因：把一次 read 当作一条记录；只看收到的内容是否正好等于 #；\n\
         每读一行就新建一个 BufReader，丢失了前一个多读的记录。",
    );
    let mut client = connect(addr);
    send(&mut server, &mut client, &format!("{RECORDS}#\n"));
    server.assert_receives(&mut client, "3\n");
    assert_saved(&mut server, dir.path(), RECORDS);
}

#[test]
fn server_joins_the_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "内容分几段到达，断在汉字中间、记录中间、记录和 \\n 之间、# 和 \\n 之间：与一次到达没有区别。\n\
         常见原因：把一次 read 当作一条（或几条完整的）记录；没有读到 \\n 就转换为文字；\
         用 contains 或 ends_with 找 #，没有等到整行。",
    );
    let mut client = connect(addr);
    let message = "张三  18\n李四  #19\n王五  120\n#\n";
    let cuts = [4, message.find('\n').unwrap(), message.find("19").unwrap(), message.len() - 1];
    let mut start = 0;
    for cut in cuts {
        if let Err(e) = client.write_all(&message.as_bytes()[start..cut]) {
            server.fail(&format!("服务端接收 {message:?} 的第 {start} 到 {cut} 字节；实际：{e}"));
        }
        server.assert_silent(&mut client, PAUSE);
        start = cut;
    }
    send(&mut server, &mut client, "\n");
    server.assert_receives(&mut client, "3\n");
    assert_saved(&mut server, dir.path(), "张三  18\n李四  #19\n王五  120\n");
}

#[test]
fn server_appends_and_counts_for_each_client() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("records.txt"), "以前的记录\n").unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "records.txt 中已有一条记录；两个客户端先后发送两条和一条：追加在后面，条数各算各的。\n\
         常见原因：用 File::create 打开文件，清空了以前的记录；条数没有从 0 开始；\
         服务一个客户端之后就结束了。",
    );
    for (records, answer) in [("赵六  20  170\n钱七  21  171\n", "2\n"), ("孙八  22  172\n", "1\n")]
    {
        let mut client = connect(addr);
        send(&mut server, &mut client, &format!("{records}#\n"));
        server.assert_receives(&mut client, answer);
        server.wait_stdout(&format!("已保存 {} 条记录\n", answer.trim_end()));
    }
    let expected = "以前的记录\n赵六  20  170\n钱七  21  171\n孙八  22  172\n";
    assert_saved(&mut server, dir.path(), expected);
    server.assert_running();
}

#[test]
fn client_sends_the_records_and_prints_the_answer() {
    let (listener, addr) = listen();
    let mut client = start_client(
        addr,
        "测试扮演服务端：收到三条记录和 #，每条后面都有 \\n，然后回答“3\\n”。\n\
         常见原因：记录或 # 后面没有 \\n（等一会儿再发不能代替边界）；空格与课程的数据不同；\
         没有等服务端回答就结束了；打印时带上了回答末尾的 \\n。",
    );
    let mut conn = client.accept(&listener);
    // 比服务端的时限 5 秒短：两端一起的测试也变红时，知道原因的这一个先显示
    conn.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
    client.assert_receives(&mut conn, &format!("{RECORDS}#\n"));
    conn.write_all(b"3\n").unwrap();
    conn.shutdown(Shutdown::Write).unwrap();
    client.assert_closes(&mut conn);
    client.assert_exit(0);
    client.assert_stdout("服务端已保存 3 条记录\n");
}

#[test]
fn whole_conversation() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "自己的客户端连接自己的服务端，先后两次，文件中应有六条记录。\n\
         常见原因：两端的约定不一致。client_ 和 server_ 开头的测试分别检查两端，先让它们通过。",
    );
    for run in ["第一次", "第二次"] {
        let mut client = start_client(
            addr,
            &format!(
                "{run}运行自己的客户端，连接自己的服务端。\n\
                 常见原因：两端的约定不一致。client_ 和 server_ 开头的测试分别检查两端，先让它们通过。"
            ),
        );
        client.assert_exit(0);
        client.assert_stdout("服务端已保存 3 条记录\n");
        server.wait_stdout("已保存 3 条记录\n");
    }
    assert_saved(&mut server, dir.path(), &RECORDS.repeat(2));
}
