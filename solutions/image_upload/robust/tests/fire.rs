//! 图片上传的故障测试：随机的客户端和服务端，在任何一个字节之后重置，上传中强行终止，磁盘写满。
//! 失败时写出种子，可以重放。
#![cfg(unix)]

use std::fs;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;
use testkit::fire::{Random, attack, reset_now, rounds};
use testkit::{Program, rule};

const OLD: &[u8] = b"\xff\xd8 old picture \xff\xd9";

fn dir_with_old_picture() -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("new.jpg"), OLD).unwrap();
    dir
}

fn server(dir: &TempDir, sentence: &str) -> Program {
    rule(sentence).server_in(dir.path(), cargo_bin!(), &["server"])
}

/// 守规矩的客户端上传 `picture`，得到正确的回答。
#[track_caller]
fn upload(server: &Program, picture: &[u8]) {
    let client = server.connect();
    client.send(picture);
    client.finish();
    client.expect(format!("{}\n", picture.len()));
}

/// `new.jpg` 正是 `allowed` 中的一张。
#[track_caller]
fn expect_one_of(server: &Program, dir: &TempDir, allowed: &[&[u8]]) {
    let saved = fs::read(dir.path().join("new.jpg")).unwrap_or_default();
    if !allowed.contains(&&saved[..]) {
        let actual = format!("new.jpg 有 {} 字节，不是其中的一张", saved.len());
        server.fail(&format!("new.jpg 是允许的 {} 张图片之一", allowed.len()), &actual);
    }
}

fn picture(random: &mut Random, most: usize) -> Vec<u8> {
    let size = 1 + random.below(most);
    random.bytes(size)
}

#[test]
fn bad_peers() {
    rounds(|random| {
        let dir = dir_with_old_picture();
        let server = server(&dir, "不论别人发来什么、怎样离开，new.jpg 总是完整的一张。");
        let mut last = OLD.to_vec();
        for _ in 0..20 {
            let bytes = random.mangle(&[b"\xff\xd8 picture \xff\xd9", b"1000\n"]);
            attack(&server, random, &bytes);
            expect_one_of(&server, &dir, &[&last, &bytes]); // 没有发完就关闭，看来与发完了一样
            last = picture(random, 300_000);
            upload(&server, &last);
            expect_one_of(&server, &dir, &[&last]);
        }
        server.expect_running();
    });
}

#[test]
fn reset_at_every_byte() {
    rounds(|random| {
        let dir = dir_with_old_picture();
        let server = server(&dir, "客户端在任何一个字节之后重置连接，旧图片不变，别人照常上传。");
        let broken = random.bytes(50);
        for n in 0..=broken.len() {
            let client = server.connect();
            client.send(&broken[..n]);
            reset_now(client);
            upload(&server, b""); // 得到回答，被重置的也就处理完了
            expect_one_of(&server, &dir, &[OLD]);
        }
        server.expect_running();
    });
}

#[test]
fn killed_in_mid_upload() {
    rounds(|random| {
        let dir = dir_with_old_picture();
        let mut last = OLD.to_vec();
        for _ in 0..5 {
            let server = server(&dir, "服务端被强行终止：new.jpg 是完整的；再启动，照常上传。");
            expect_one_of(&server, &dir, &[&last]);
            last = picture(random, 5000);
            upload(&server, &last); // 得到回答，就已经保存
            let client = server.connect();
            client.send(picture(random, 500_000)); // 不关闭写方向
            server.kill();
            expect_one_of(&server, &dir, &[&last]);
        }
    });
}

#[test]
fn full_disk() {
    rounds(|random| {
        let dir = dir_with_old_picture();
        // 文件的大小有限制（单位是 512 字节），如同磁盘写满；忽略信号，写文件才返回错误
        let blocks = 1 + random.below(1000);
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}");
        let server = rule("装不下的图片不回答，旧图片不变；装得下的照常保存。").server_limited(
            dir.path(),
            &limit,
            cargo_bin!(),
            &["server"],
        );
        let last = random.bytes(512 * blocks);
        upload(&server, &last);
        for more in [1, 100_000] {
            let client = server.connect();
            client.send(random.bytes(last.len() + more));
            client.finish();
            client.expect_close();
            expect_one_of(&server, &dir, &[&last]);
        }
        upload(&server, OLD);
        server.expect_running();
    });
}

#[test]
fn bad_servers() {
    rounds(|random| {
        let dir = dir_with_old_picture();
        let file = dir.path().join("new.jpg");
        let args = ["client", file.to_str().unwrap()];
        for round in 0..20 {
            let rule = rule("不论服务端回答什么，客户端只在字节数相符时成功，否则说明一行错误。");
            let listener = rule.listen();
            let client = rule.client(cargo_bin!(), &args, listener.addr());
            let server = listener.accept(&client);
            server.expect(OLD);
            server.expect_close();
            let mut answer = random.mangle(&[b"17\n", b"1", b"7\n"]);
            if round == 0 {
                answer = vec![b'9'; 1 << 20]; // 没有 \n，连接也不关闭
            }
            server.send(&answer);
            let _open = (round == 0).then_some(server);
            if answer.starts_with(b"17\n") {
                client.expect_stdout("上传成功：17 字节\n");
                client.expect_exit(0);
            } else {
                client.expect_error(&[&listener.addr().to_string()]);
            }
        }
    });
}
