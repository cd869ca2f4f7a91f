//! 只属于答案的测试：练习不要求的线程，各种各样的 `records.txt`。

use std::fs;
use std::io::Write;
#[cfg(unix)]
use std::io::{Read, Seek, SeekFrom};
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
    for content in ["", "a  1\n", &format!("{}\n", "b".repeat(70_000))] {
        fs::write(dir.path().join("records.txt"), content).unwrap();
        let mut server = Program::start_in(dir.path(), cargo_bin!(), &["server", "127.0.0.1:0"]);
        server.explain("启动时文件完整：不改动，也不说删去了什么。");
        let mut client = connect(server.addr());
        client.write_all(b"#\n").unwrap();
        server.assert_receives(&mut client, "0\n");
        assert_eq!(fs::read_to_string(dir.path().join("records.txt")).unwrap(), content);
        assert_eq!(server.stderr().lines().count(), 1, "{}", server.stderr());
    }
}

#[test]
#[cfg(unix)]
fn records_file_of_any_size_and_kind() {
    use std::fs::File;
    use std::process::Command;

    use testkit::fire::start_limited;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.txt");
    let (little_memory, args) = ("ulimit -v 1000000", ["server", "127.0.0.1:0"]);
    let start = || start_limited(dir.path(), little_memory, cargo_bin!(), &args, "");

    // 3 GiB 的空洞，然后是一条完整的和半条
    let mut file = File::create(&path).unwrap();
    file.set_len(3 << 30).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(b"\na  1\nb").unwrap();
    let (mut server, addr) = start();
    server.explain("文件很大：启动时只看末尾，不占内存。");
    let mut client = connect(addr);
    client.write_all(b"c  3\n#\n").unwrap();
    server.assert_receives(&mut client, "1\n");
    file = File::open(&path).unwrap();
    file.seek(SeekFrom::Start(3 << 30)).unwrap();
    let mut end = String::new();
    file.read_to_string(&mut end).unwrap();
    assert_eq!(end, "\na  1\nc  3\n");
    drop(server);

    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    let (mut server, addr) = start();
    server.explain("文件是没有结尾的设备：启动时不会一直读下去。");
    let mut client = connect(addr);
    client.write_all(b"#\n").unwrap();
    server.assert_receives(&mut client, "0\n");
    drop(server);

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let (mut server, addr) = start();
    server.explain("文件是目录：说明无法写入哪个文件，不回答。");
    let mut client = connect(addr);
    client.write_all(b"a  1\n#\n").unwrap();
    server.assert_closes(&mut client);
    server.wait_stderr("无法写入 records.txt：");
    drop(server);

    fs::remove_dir(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success(), "mkfifo");
    let (mut server, _) = start();
    server.explain("文件是管道，不能移动：以一行错误结束。");
    server.assert_error(&["错误：无法整理 records.txt："]);
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
