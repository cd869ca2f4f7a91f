//! 图片上传：故障测试。随机而可以重放，用 `just fire` 运行，用 `just soak` 长时间运行。
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;
use testkit::fire::{
    Ending, OBEY_PERMISSIONS, Peer, Random, attack_all, reset_now, rounds, start_limited,
};
use testkit::{DEADLINE, Program, TcpStream, connect, program};

/// 测试之前已有的图片。
const OLD: &[u8] = b"\xff\xd8 old picture \xff\xd9";

/// 只有一张旧图片 `new.jpg`（内容为 [`OLD`]）的目录。
fn dir_with_old_picture() -> TempDir {
    let dir = TempDir::new().expect("无法创建临时目录");
    fs::write(dir.path().join("new.jpg"), OLD).expect("无法写入 new.jpg");
    dir
}

/// 在 `dir` 中启动服务端，返回它和它的地址；之前先运行 shell 命令 `limit`，`situation` 说明测试做什么。
#[track_caller]
fn start_server(dir: &TempDir, limit: &str, situation: &str) -> (Program, SocketAddr) {
    let exe = program(cargo_bin!());
    start_limited(dir.path(), limit, &exe, &["server", "127.0.0.1:0"], situation)
}

/// 第 `number` 张图片，共 `size` 字节：以编号开头，后面是随机字节，所以各不相同。
fn picture(random: &mut Random, number: u16, size: usize) -> Vec<u8> {
    let mut picture = [&number.to_be_bytes()[..], &random.bytes(size)].concat();
    picture.truncate(size);
    picture
}

/// 上传 `picture`，返回服务端的回答；没有回答时为空。
fn upload(addr: SocketAddr, picture: &[u8]) -> String {
    let mut client = connect(addr);
    let _ = client.write_all(picture); // 服务端可以不等发完就断开
    finish(client)
}

/// 关闭写方向，返回服务端的回答；没有回答时为空。
fn finish(client: TcpStream) -> String {
    let _ = client.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = client.take(1000).read_to_end(&mut answer); // 服务端可能不停地回答
    String::from_utf8_lossy(&answer).into_owned()
}

/// 检查客户端得到的 `answer`：它的 `n` 字节能保存（`saved`），就回答字节数；不能，就不回答。
#[track_caller]
fn assert_answer(server: &mut Program, answer: &str, n: usize, saved: bool) {
    let expected = if saved { format!("{n}\n") } else { String::new() };
    if answer != expected {
        let why = if saved { "能够保存，回答" } else { "不能保存，不回答，即" };
        server.fail(&format!("上传的 {n} 字节{why} {expected:?}；实际 {answer:?}"));
    }
}

/// 检查 `new.jpg` 正是 `pictures` 中的一张。
#[track_caller]
fn assert_one_of(server: &mut Program, dir: &TempDir, pictures: &[&[u8]]) {
    let saved = match fs::read(dir.path().join("new.jpg")) {
        Ok(saved) => saved,
        Err(e) => server.fail(&format!("始终有一张图片 new.jpg；实际：{e}")),
    };
    if !pictures.contains(&&saved[..]) {
        let same = |p: &[u8]| p.iter().zip(&saved).take_while(|(a, b)| a == b).count();
        let nearest = pictures.iter().max_by_key(|p| same(p)).expect("至少允许一张图片");
        let (count, n, m, same) = (pictures.len(), nearest.len(), saved.len(), same(nearest));
        server.fail(&format!(
            "new.jpg 正是这时允许的图片（共 {count} 张）之一，一个字节也不差；\
             实际有 {m} 字节，与最相近的一张（{n} 字节）只有前 {same} 字节相同"
        ));
    }
}

/// 没有别的客户端时，检查服务端没有崩溃过，能接收 `picture`，`new.jpg` 正是它。
#[track_caller]
fn assert_healthy(server: &mut Program, addr: SocketAddr, dir: &TempDir, picture: &[u8]) {
    assert_answer(server, &upload(addr, picture), picture.len(), true);
    assert_one_of(server, dir, &[picture]);
    server.assert_not_panicked();
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn bad_peers() {
    rounds(|random, tally| {
        let dir = dir_with_old_picture();
        let (mut server, addr) = start_server(
            &dir,
            "true",
            "8 个坏客户端同时上传，一次发完、分段或缓慢，半关闭、离开或重置，有的一个字节也不发；\
             同时有一个好客户端上传大的图片。\n测试不停地读 new.jpg：它总是完整的一张，\
             是旧图片，或者来自没有重置连接的客户端。\n常见原因：直接写入 new.jpg；\
             把重置当作图片的结尾；空的上传换掉了旧图片；几个线程写同一个临时文件。",
        );
        let mut peers = Vec::new();
        for number in 0..80 {
            let limit = *random.pick(&[1, 200, 20_000]);
            let size = random.below(limit);
            let bytes = picture(random, number, size);
            peers.push(Peer::new(random, tally, bytes));
        }
        let mut good = Vec::new();
        for number in 80..85 {
            let size = 100_000 + random.below(2_000_000);
            good.push(picture(random, number, size));
        }
        let polite = peers.iter().filter(|p| p.ending != Ending::Reset && !p.bytes.is_empty());
        let polite = polite.map(|peer| &peer.bytes).chain(&good).map(Vec::as_slice);
        let allowed: Vec<&[u8]> = [OLD].into_iter().chain(polite).collect();

        let (received, answers) = thread::scope(|scope| {
            let attack = scope.spawn(|| attack_all(&peers, addr, 8));
            let uploads = scope.spawn(|| good.iter().map(|p| upload(addr, p)).collect::<Vec<_>>());
            while !attack.is_finished() || !uploads.is_finished() {
                assert_one_of(&mut server, &dir, &allowed);
                tally.add("看到完整的 new.jpg", 1);
            }
            let received = attack.join().expect("坏客户端的线程崩溃");
            (received, uploads.join().expect("好客户端的线程崩溃"))
        });
        for (picture, answer) in good.iter().zip(&answers) {
            assert_answer(&mut server, answer, picture.len(), true);
            tally.add("好客户端的上传", 1);
        }
        for (peer, received) in peers.iter().zip(&received) {
            if peer.ending == Ending::HalfClose {
                let answer = String::from_utf8_lossy(received);
                assert_answer(&mut server, &answer, peer.bytes.len(), true);
            }
        }
        // 同时服务几个客户端的程序，这时可能还没有保存完离开者的图片，所以最后一张可以重传
        let last = picture(random, 85, 1000);
        let end = Instant::now() + DEADLINE;
        loop {
            assert_answer(&mut server, &upload(addr, &last), last.len(), true);
            let saved = fs::read(dir.path().join("new.jpg")).is_ok_and(|saved| saved == last);
            if saved && fs::read_dir(&dir).expect("无法读取目录").count() <= 2 {
                break;
            }
            if Instant::now() > end {
                server.fail("最后上传的图片就是 new.jpg，目录中最多还有一个临时文件");
            }
            server.wait_output(Duration::from_millis(10));
        }
        server.assert_not_panicked();
    });
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn reset_at_every_byte() {
    rounds(|random, tally| {
        let dir = dir_with_old_picture();
        let (mut server, addr) = start_server(
            &dir,
            "true",
            "客户端在第 0、1、2……个字节之后重置连接（最后一次发完了，但没有关闭写方向）：\
             旧图片不变，后面的客户端照常上传。\n\
             常见原因：把读的错误当作图片的结尾；一个客户端的错误结束了整个程序。",
        );
        let mut old = OLD.to_vec();
        let broken = picture(random, 0, 100);
        for n in 0..=broken.len() {
            let mut client = connect(addr);
            let _ = client.write_all(&broken[..n]);
            reset_now(client);
            tally.add("重置", 1);
            // 空的上传得到回答，一个接一个服务的程序就已经处理了重置的连接
            assert_answer(&mut server, &upload(addr, b""), 0, true);
            assert_one_of(&mut server, &dir, &[&old]);
            if random.below(5) == 0 {
                old = picture(random, n as u16 + 1, 50);
                assert_healthy(&mut server, addr, &dir, &old);
                tally.add("好客户端的上传", 1);
            }
        }
        assert_healthy(&mut server, addr, &dir, b"last picture");
    });
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn descriptors_run_out() {
    rounds(|random, tally| {
        let dir = dir_with_old_picture();
        let limit = 20 + random.below(40);
        let (mut server, addr) = start_server(
            &dir,
            &format!("ulimit -n {limit}"),
            "一个客户端上传到一半，来了许多连接，比描述符还多，它们什么也不发；连接少了，又能接收图片。\n\
             常见原因：在接受连接的循环中用了 ? 或 unwrap；空的上传换掉了旧图片。",
        );
        let first = picture(random, 0, 5000);
        let mut client = connect(addr);
        let _ = client.write_all(&first[..2000]);
        let flood: Vec<_> = (0..limit + 20).map(|_| connect(addr)).collect();
        tally.add("连接", flood.len());
        let _ = client.write_all(&first[2000..]);
        let answer = finish(client);
        flood.into_iter().map(finish).for_each(drop); // 等服务端也关闭，描述符就空出来了
        // 一个接一个服务的程序不会用完描述符；同时服务的用完了，就可以不保存，也不回答
        if answer.is_empty() {
            assert_one_of(&mut server, &dir, &[OLD, &first]);
        } else {
            assert_answer(&mut server, &answer, first.len(), true);
            assert_one_of(&mut server, &dir, &[&first]);
        }
        assert_healthy(&mut server, addr, &dir, b"last picture");
    });
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn disk_is_full() {
    rounds(|random, tally| {
        let dir = dir_with_old_picture();
        let blocks = 1 + random.below(2000);
        let limit = blocks * 512; // ulimit -f 的单位是 512 字节
        let (mut server, addr) = start_server(
            &dir,
            &format!(r#"trap "" XFSZ; ulimit -f {blocks}"#), // 忽略信号，写文件才返回错误
            "文件的大小有限制，如同磁盘写满：装不下的图片不回答，旧图片不变，在标准错误上写一行；\
             装得下的照常保存。\n常见原因：忽略了写文件的错误；BufWriter 没有 flush；\
             直接写入 new.jpg；一个错误结束了整个程序。",
        );
        let mut old = OLD.to_vec();
        for number in 0..10 {
            let size = match number {
                0 => limit + 1,
                1 => limit,
                _ => 1 + random.below(2 * limit),
            };
            let new = picture(random, number, size);
            assert_answer(&mut server, &upload(addr, &new), size, size <= limit);
            if size <= limit {
                old = new;
            }
            assert_one_of(&mut server, &dir, &[&old]);
            tally.add(if size <= limit { "装得下的图片" } else { "装不下的图片" }, 1);
        }
        server.wait_stderr_lines(2);
        assert_healthy(&mut server, addr, &dir, b"last picture");
    });
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn directory_is_unwritable() {
    rounds(|random, tally| {
        let dir = dir_with_old_picture();
        let (mut server, addr) = start_server(
            &dir,
            OBEY_PERMISSIONS,
            "服务端的工作目录变为只读，有的图片这时才上传，有的已经上传到一半：都不能保存，所以不回答，\
             旧图片不变，在标准错误上写一行；目录恢复之后照常保存。\n\
             常见原因：改名之前就回答了；忽略了创建文件或改名的错误；一个错误结束了整个程序。",
        );
        let set_mode = |mode| {
            let result = fs::set_permissions(&dir, Permissions::from_mode(mode));
            result.expect("无法改变目录的权限");
        };
        for number in 0..10 {
            let size = 1 + random.below(300_000);
            let new = picture(random, number, size);
            let (before, after) = new.split_at(random.below(size));
            let mut client = connect(addr);
            let _ = client.write_all(before);
            set_mode(0o555);
            let _ = client.write_all(after);
            let answers = [finish(client), upload(addr, &new)];
            set_mode(0o755);
            for answer in answers {
                assert_answer(&mut server, &answer, size, false);
                tally.add("只读目录", 1);
            }
            assert_one_of(&mut server, &dir, &[OLD]);
        }
        server.wait_stderr_lines(2);
        assert_healthy(&mut server, addr, &dir, b"last picture");
    });
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn killed_in_mid_upload() {
    rounds(|random, tally| {
        let dir = dir_with_old_picture();
        let situation = "服务端在上传中被强行终止（kill -9）：new.jpg 是完整的旧图片或完整的新图片，\
             已经回答的一定是新图片；在同一个目录中再启动，照常接收图片。\n\
             常见原因：直接写入 new.jpg；改名之前就回答了；临时文件已经存在时出错。";
        for number in 0..10 {
            let (mut server, addr) = start_server(&dir, "true", situation);
            let old = picture(random, 2 * number, 1000);
            assert_healthy(&mut server, addr, &dir, &old);
            let size = 1 + random.below(4_000_000);
            let new = picture(random, 2 * number + 1, size);
            let when = *random.pick(&["发送中终止", "发完时终止", "回答时终止"]);
            let sent = if when == "发送中终止" { random.below(size) } else { size };
            let pause = Duration::from_micros(random.below(2000) as u64);
            let mut client = connect(addr);
            let _ = client.write_all(&new[..sent]);
            if when != "发送中终止" {
                let _ = client.shutdown(Shutdown::Write);
            }
            if when == "回答时终止" {
                server.assert_receives(&mut client, &format!("{size}\n"));
                server.kill();
                assert_one_of(&mut server, &dir, &[&new]);
            } else {
                thread::sleep(pause);
                server.kill();
                assert_one_of(&mut server, &dir, &[&old, &new]);
            }
            tally.add(when, 1);
        }
        let (mut server, addr) = start_server(&dir, "true", situation);
        assert_healthy(&mut server, addr, &dir, b"last picture");
    });
}
