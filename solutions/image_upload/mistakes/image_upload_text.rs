//! 典型错误：把图片当作文字。
//!
//! - 想法：别的练习收到字节后都用 `String::from_utf8_lossy` 转换，这里也转换。
//! - 结果：图片不是 UTF-8，无效的字节都变成了 `�`（三个字节）：字节数不对，图片也打不开。字节应原样写入文件。
//!
//! 拒绝它的测试：`basic` 的 `server_saves_the_picture`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_text -- server`

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let listener = TcpListener::bind(addr)?;
    eprintln!("图片服务端已启动：{}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        if let Err(e) = serve(&stream) {
            eprintln!("{e}");
        }
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut data = Vec::new();
    stream.read_to_end(&mut data)?;
    let picture = String::from_utf8_lossy(&data);
    let n = picture.len();
    if n > 0 {
        fs::write("new.jpg.part", picture.as_bytes())?;
        fs::rename("new.jpg.part", "new.jpg")?;
        println!("收到 {n} 字节，已保存为 new.jpg");
    }
    stream.write_all(format!("{n}\n").as_bytes())
}
