//! 记录上传的故障测试：随机的对方，在任何一个字节之后重置，磁盘写满，kill -9。失败时写出种子，可以重放。
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use tempfile::tempdir;
use testkit::fire::{attack, reset_now, rounds};
use testkit::{Program, Rule, rule};

fn server(rule: &Rule, dir: &Path) -> Program {
    rule.server_in(dir, cargo_bin!(), &["server"])
}

/// 守规矩的客户端发送一条记录，长约 `size` 字节，立即得到回答；记在 `good` 中。
#[track_caller]
fn save(server: &Program, good: &mut Vec<String>, size: usize) {
    good.push(format!("好{}:{}\n", good.len(), "汉 #".repeat(size / 5)));
    let client = server.connect();
    client.send(format!("{}#\n", good[good.len() - 1]));
    client.expect("1\n");
    client.expect_close();
}

/// 回答过“已经保存”的记录 `good` 都在 `dir` 的文件中，各占一行，次序不变。
#[track_caller]
fn expect_kept(server: &Program, dir: &Path, good: &[String]) {
    let content = fs::read(dir.join("records.txt")).unwrap_or_default();
    let mut lines = content.split_inclusive(|byte| *byte == b'\n');
    let lost = good.iter().find(|record| !lines.any(|line| line == record.as_bytes()));
    if let Some(record) = lost {
        let start: String = record.chars().take(20).collect();
        server.fail(&format!("文件中有独占一行的 {start}……"), "没有，或者与别的连在一起");
    }
}

#[test]
fn bad_peers() {
    rounds(|random| {
        let dir = tempdir().unwrap();
        let rule = rule("不论别人发来什么、怎样离开，守规矩的客户端都得到回答，记录都在。");
        let (server, mut good) = (server(&rule, dir.path()), Vec::new());
        let long = "x".repeat(70_000) + "\n#\n";
        let lines = ["张三  18\n", "李四 #\r\n", "\n", "#\n", "#\r\n", "半条", "  \n", &long];
        for _ in 0..20 {
            let bytes = random.mangle(&lines.map(str::as_bytes));
            attack(&server, random, &bytes);
            save(&server, &mut good, random.below(200));
        }
        expect_kept(&server, dir.path(), &good);
        server.expect_running();
    });
}

#[test]
fn reset_at_every_byte() {
    rounds(|random| {
        let dir = tempdir().unwrap();
        let rule = rule("客户端在任何一个字节之后重置连接，下一个照常得到回答，记录都在。");
        let (server, mut good) = (server(&rule, dir.path()), Vec::new());
        let message = "张三\n李四 #\r\n\n#\n多余".as_bytes();
        for n in 0..=message.len() {
            // 服务端有时正在服务别人，字节和重置都到了，它才接受这一个
            let other = (random.below(2) == 0).then(|| server.connect());
            let client = server.connect();
            client.send(&message[..n]);
            reset_now(client);
            drop(other);
            save(&server, &mut good, random.below(200));
        }
        expect_kept(&server, dir.path(), &good);
        server.expect_running();
    });
}

#[test]
fn disk_is_full() {
    rounds(|random| {
        let dir = tempdir().unwrap();
        let rule = rule("磁盘写满：没有写完的记录不回答，也不与后来的记录连在一起。");
        let mut good = Vec::new();
        let limit = "trap '' XFSZ; ulimit -f 8"; // 最多 4096 字节
        let full = rule.server_limited(dir.path(), limit, cargo_bin!(), &["server"]);
        (0..random.below(10)).for_each(|_| save(&full, &mut good, 200));
        for _ in 0..3 {
            let client = full.connect();
            client.send(format!("{}\n#\n", "满".repeat(1400 + random.below(1000))));
            client.expect_close();
        }
        full.expect_running();
        full.kill();
        let server = server(&rule, dir.path()); // 磁盘又有空间了
        save(&server, &mut good, 100);
        expect_kept(&server, dir.path(), &good);
    });
}

#[test]
fn killed_in_the_middle() {
    rounds(|random| {
        let dir = tempdir().unwrap();
        let rule =
            rule("服务端被强行终止（kill -9）：回答过的都在，写了一半的不与后来的记录连在一起。");
        let mut good = Vec::new();
        for _ in 0..5 {
            let server = server(&rule, dir.path());
            save(&server, &mut good, 100);
            let client = server.connect();
            client.send(format!("{}\n", "x".repeat(60_000)).repeat(20));
            server.wait(Duration::from_millis(random.below(5) as u64));
            server.kill();
            // 一次写到一半被终止，时机难得，所以总是补上半条
            let mut file =
                File::options().append(true).open(dir.path().join("records.txt")).unwrap();
            file.write_all("半".as_bytes().split_at(1 + random.below(2)).0).unwrap();
        }
        let server = server(&rule, dir.path());
        save(&server, &mut good, 100);
        expect_kept(&server, dir.path(), &good);
    });
}

#[test]
fn client_meets_bad_servers() {
    rounds(|random| {
        let rule = rule("不论服务端回答什么，客户端都结束：只有“3\\n”才算保存成功。");
        let listener = rule.listen();
        let client = rule.client(cargo_bin!(), &["client"], listener.addr());
        let server = listener.accept(&client);
        let mut answer = random.mangle(&[b"3\n", b"30\n", b"3"]);
        if random.below(4) == 0 {
            answer = vec![b'3'; 8 << 20]; // 没有 \n 的回答，没有尽头
        }
        server.send(&answer);
        server.finish();
        if answer.starts_with(b"3\n") {
            client.expect_stdout("服务端已保存 3 条记录\n");
            client.expect_exit(0);
        } else {
            client.expect_error(&[&listener.addr().to_string()]);
        }
    });
}
