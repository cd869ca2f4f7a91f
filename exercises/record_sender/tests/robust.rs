//! 记录上传，第二关：真实的对方要求的。次序与 `README.md` 相同。

mod saved;

use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use saved::{expect_saved, server};
use testkit::{Outcome::*, Peer, Program, Rule, common, rule};

/// 一个新的客户端发送 `bytes`，得到回答 `answer`。
#[track_caller]
fn exchange(server: &Program, bytes: impl AsRef<[u8]>, answer: &str) {
    let client = server.connect();
    client.send(bytes);
    client.expect(answer);
}

/// 服务端结束 `client`，没有回答条数；之前可以发一行说明。
#[track_caller]
fn expect_no_answer(server: &Program, client: &Peer) {
    let last = String::from_utf8_lossy(&client.receive_to_end()).into_owned();
    if last.lines().count() > 1 || last.trim().parse::<u64>().is_ok() {
        server.fail("不回答条数就结束连接，之前最多发一行说明", &format!("发来 {last:?}"));
    }
}

/// 启动客户端，返回它、它与测试的连接、它连接的地址；它发送了全部内容，等着回答。
#[track_caller]
fn client_that_waits(rule: &Rule) -> (Program, Peer, String) {
    let listener = rule.listen();
    let client = rule.client(cargo_bin!(), &["client"], listener.addr());
    let server = listener.accept(&client);
    server.expect("张三  18   177\n李四  19   180\n王五  120  183\n#\n");
    (client, server, listener.addr().to_string())
}

#[test]
fn records_are_kept_exactly() {
    let rule = rule("记录原样保存，每个字节都不变：前后的空白（只有空白也是记录）、`##`、` #`、不是 UTF-8 的字节。")
        .cause(Other, "用 contains、starts_with 或 trim 找 #：单独一个 # 的一行才是结束")
        .cause(Silence, "没有认出“#\\n”");
    let dir = tempfile::tempdir().unwrap();
    let server = server(&rule, dir.path());
    let records = b"# \n #\n##\n#x\nx#\n  a  b  \n\ta\t\n \na\rb\na\0b\n";
    exchange(&server, [records, &b"#\n"[..]].concat(), "10\n");
    rule.cause(Other, "用 trim 去掉了空白：只去掉末尾的 `\\n`");
    expect_saved(&server, dir.path(), records);
    let not_text =
        "用了 read_line、lines 或 String::from_utf8，它们遇到不是 UTF-8 的字节就出错：应读字节";
    rule.cause(Closed, not_text).cause(Ended, not_text);
    let bytes = b"\xffa  1\nb\xfe\xff  2\nc  3\xe5\xbc\n\xff#\n#\xff\n";
    exchange(&server, [bytes, &b"#\n"[..]].concat(), "5\n");
    rule.cause(Other, "转换成了文字，不是 UTF-8 的字节成了 �：应写读到的字节");
    expect_saved(&server, dir.path(), [records, &bytes[..]].concat());
}

#[test]
fn empty_lines_and_carriage_returns() {
    let rule = rule(
        "行以 `\\n` 或 `\\r\\n` 结束，单独一个 # 的一行也一样；空行不是记录，不保存，不计数。",
    )
    .cause(Silence, "只去掉了 `\\n`，于是“#\\r”不等于 #")
    .cause(Other, "空行也计数");
    let dir = tempfile::tempdir().unwrap();
    let server = server(&rule, dir.path());
    exchange(&server, "\n\r\na  1\r\n\n\r\nb  2\n\r\n#\r\n", "2\n");
    rule.cause(Other, "`\\r` 留在了记录的末尾；空行也写进了文件");
    expect_saved(&server, dir.path(), "a  1\nb  2\n");
    rule.cause(Other, "没有记录，就是 0 条");
    exchange(&server, "#\n", "0\n");
}

#[test]
fn clients_that_vanish() {
    let dir = tempfile::tempdir().unwrap();
    let start = |rule: &Rule| {
        let rule = rule
            .cause(Silence, "读到 0 字节（客户端已经离开）之后还在循环，轮不到下一个客户端")
            .cause(
                Other,
                "把连接结束当作 #；剩下的半条也当作一条，或者留到了下一个客户端；收到 # 才写入文件",
            );
        server(&rule, dir.path())
    };
    let half = "张三  18\n李四  1".as_bytes();
    let server = common::clients_that_vanish(
        start,
        half,
        |client| client.send("#\n"),
        |client| _ = client.expect("0\n"),
    );
    for bytes in [half, "李四  19\n".as_bytes()] {
        let client = server.connect();
        client.send(bytes);
        client.finish();
        expect_no_answer(&server, &client); // 没有 #，就没有发完
    }
    exchange(&server, "王五  120\n#\n", "1\n");
    expect_saved(&server, dir.path(), "张三  18\n张三  18\n李四  19\n王五  120\n");
}

#[test]
fn what_follows_the_end_is_thrown_away() {
    let reset = "回答之后立即关闭连接：还有没读的字节，系统就重置连接。先读到客户端关闭，再关闭";
    let rule = rule("单独一个 # 的一行之后发来的字节，读完丢弃，再关闭连接：还有没读的字节就关闭，系统会重置连接，回答可能丢失。")
        .cause(Closed, reset)
        .cause(Silence, "在等客户端关闭连接，没有读到 `#\\n` 就回答")
        .cause(Other, "收到 # 之后还在保存、回答");
    let dir = tempfile::tempdir().unwrap();
    let server = server(&rule, dir.path());
    let client = server.connect();
    let rest = "多余的一行\n#\n".repeat(10_000);
    client.send(format!("张三  18\n#\n{rest}"));
    client.expect("1\n");
    client.send(rest);
    client.finish();
    client.expect_close();
    expect_saved(&server, dir.path(), "张三  18\n");
    exchange(&server, "#\n", "0\n"); // 前一个连接这时已经关闭
    if client.was_reset() {
        rule.cause(Other, reset);
        server.fail("服务端读完后面的字节，再关闭连接", "连接被重置了");
    }
}

#[test]
fn endless_line() {
    let rule = rule("64 KiB 的记录（含 `\\n`）照常保存；1 MiB 还没有 `\\n`，就结束这个客户端：不回答，这一行不写入。")
        .cause(Closed, "限制得太小；take 写在循环之外，限制的是整个连接")
        .cause(Silence, "缓冲区太小；take 写在循环之外，限制的是整个连接")
        .cause(Other, "把一行截成了几条")
        .cause(Open, "read_until 没有长度限制，没有 `\\n` 的数据会占满内存；把一行截成了几条");
    let dir = tempfile::tempdir().unwrap();
    let server = server(&rule, dir.path());
    let record = "记录".repeat(10_922) + "123\n";
    assert_eq!(record.len(), 64 << 10);
    exchange(&server, format!("{record}x\n#\n"), "2\n");
    expect_saved(&server, dir.path(), format!("{record}x\n"));
    let client = server.connect();
    client.send("x".repeat(1_100_000));
    rule.cause(Other, "读满了上限，就当作发送完毕");
    expect_no_answer(&server, &client);
    client.close();
    exchange(&server, "王五  120\n#\n", "1\n");
    rule.cause(Other, "过长的一行，读到的部分也写进了文件");
    expect_saved(&server, dir.path(), format!("{record}x\n王五  120\n"));
}

#[test]
fn silence() {
    const PAUSE: Duration = Duration::from_millis(2200);
    let rule = rule("5 秒没有发来一个字节的客户端不再等：结束它，不回答，半条不写入；缓慢不是沉默，每收到一些字节就重新计时。")
        .cause(Closed, "时限太短；时限是一整行或整个连接的")
        .cause(Other, "把超时当作发送完毕")
        .cause(Open, "没有设置读超时，后面的客户端一直等待")
        .cause(Ended, "超时也是一个客户端的错误：接受连接的循环里不用 ?");
    let dirs = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let servers = [0, 1, 2, 3].map(|i| server(&rule, dirs[i].path()));
    let [slow, half, whole, stays] = [0, 1, 2, 3].map(|i| servers[i].connect());
    half.send("甲  1\n乙  2");
    whole.send("甲  1\n");
    stays.send("#\n");
    stays.expect("0\n");
    let next = [1, 2, 3].map(|i| servers[i].connect());
    next.iter().for_each(|next| next.send("#\n"));
    for piece in ["张", "三  1", "8\n"] {
        slow.send(piece);
        slow.expect_silence_for(PAUSE);
    }
    slow.send("李四  19\n#\n");
    slow.expect("2\n");
    expect_no_answer(&servers[1], &half);
    expect_no_answer(&servers[2], &whole);
    drop((half, whole));
    rule.cause(Silence, "还在等沉默的客户端（得到回答之后不离开的也是）");
    next.iter().for_each(|next| _ = next.expect("0\n"));
    rule.cause(Other, "沉默之前的半条也写进了文件；收到 # 才写入，完整的也没有了");
    for (i, saved) in ["张三  18\n李四  19\n", "甲  1\n", "甲  1\n"].iter().enumerate() {
        expect_saved(&servers[i], dirs[i].path(), saved);
    }
}

#[test]
fn cannot_listen() {
    common::cannot_listen(cargo_bin!(), &["server"]);
}

#[test]
fn no_server() {
    common::no_server(cargo_bin!(), &["client"]);
}

#[test]
fn answer_in_pieces() {
    let one_read = "把一次 read 当作整个回答";
    let rule = rule("回答可以分两段到达：读到 `\\n` 才完整，“3”可能只是“30”的一半。")
        .cause(Other, one_read)
        .cause(Ended, one_read);
    let (client, server, _) = client_that_waits(&rule);
    server.send("3");
    client.expect_quiet();
    server.send("\n");
    client.expect_stdout("服务端已保存 3 条记录\n");
    client.expect_exit(0);
}

#[test]
fn answer_that_is_wrong() {
    let rule = rule("回答不是“3”和 `\\n`（别的条数，没有 `\\n` 的“3”，不是数字）：一行错误，用中文写明做什么失败、哪个地址；不打印“已保存”。")
        .cause(Ended, "没有检查就打印了：与发送的条数比较，连同 `\\n`；parse().unwrap() 会崩溃");
    for answer in ["2\n", "30\n", "3", "三条\n", "\n"] {
        let (client, server, addr) = client_that_waits(&rule);
        server.send(answer);
        server.finish();
        client.expect_error(&[&addr]);
    }
}

#[test]
fn server_that_goes_away() {
    let rule = rule(
        "服务端不回答就关闭或者重置连接：一行错误，用中文写明做什么失败、哪个地址；不打印“已保存”。",
    )
    .cause(Open, "读到 0 字节表示服务端已经离开，还在循环")
    .cause(Ended, "读到 0 字节表示服务端已经离开，不是空的回答");
    let (client, server, addr) = client_that_waits(&rule);
    server.close();
    client.expect_error(&[&addr]);
    rule.cause(Ended, "读写出错用了 unwrap");
    let listener = rule.listen();
    let client = rule.client(cargo_bin!(), &["client"], listener.addr());
    listener.accept(&client).reset();
    client.expect_error(&[&listener.addr().to_string()]);
}
