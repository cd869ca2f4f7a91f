//! 只属于答案的测试：练习不要求的线程，启动时不多说的话。

use std::fs;
use std::io::Write;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use testkit::{Program, connect};

#[test]
fn slow_client_holds_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Program::start_in(dir.path(), cargo_bin!(), &["server", "127.0.0.1:0"]);
    server.explain("一个客户端停在记录中间：另一个客户端立即得到回答。");
    let addr = server.addr();
    let mut slow = connect(addr);
    slow.write_all(b"a  1\nb").unwrap();
    let mut client = connect(addr);
    client.set_read_timeout(Some(Duration::from_secs(2))).unwrap(); // 不是靠 5 秒的时限
    client.write_all(b"c  3\n#\n").unwrap();
    server.assert_receives(&mut client, "1\n");
    slow.write_all(b"  2\n#\n").unwrap();
    server.assert_receives(&mut slow, "2\n");
}

#[test]
fn whole_file_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    for content in ["", "a  1\n", &"b".repeat(70_000), &format!("{}\n", "b".repeat(70_000))] {
        let whole = content.is_empty() || content.ends_with('\n');
        fs::write(dir.path().join("records.txt"), content).unwrap();
        let mut server = Program::start_in(dir.path(), cargo_bin!(), &["server", "127.0.0.1:0"]);
        server.explain("启动时文件完整：不改动，也不说删去了什么。");
        let mut client = connect(server.addr());
        client.write_all(b"#\n").unwrap();
        server.assert_receives(&mut client, "0\n");
        if whole {
            assert_eq!(fs::read_to_string(dir.path().join("records.txt")).unwrap(), content);
            assert_eq!(server.stderr().lines().count(), 1, "{}", server.stderr());
        }
    }
}

#[test]
#[cfg(target_os = "linux")] // prlimit：改变另一个进程的限制
fn thread_that_cannot_start() {
    use std::process::Command;

    let dir = tempfile::tempdir().unwrap();
    let mut server = Program::start_in(dir.path(), cargo_bin!(), &["server", "127.0.0.1:0"]);
    server.explain("没有内存给新的线程：说明错误，断开这个客户端，之后继续服务。");
    let addr = server.addr();
    let pid = server.id().to_string();
    let limit_memory = |bytes: &str| {
        let args = ["--pid", &pid, &format!("--as={bytes}:")];
        assert!(Command::new("prlimit").args(args).status().unwrap().success(), "prlimit");
    };
    limit_memory("1");
    let mut client = connect(addr);
    server.assert_closes(&mut client);
    server.wait_stderr("无法接受连接：");
    limit_memory("unlimited");
    let mut client = connect(addr);
    client.write_all(b"a  1\n#\n").unwrap();
    server.assert_receives(&mut client, "1\n");
    server.assert_not_panicked();
}
