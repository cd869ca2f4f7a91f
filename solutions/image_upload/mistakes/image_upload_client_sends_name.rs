//! 典型错误：先发文件名，再发文件。
//!
//! - 想法：服务端总要知道文件叫什么。
//! - 结果：字节流中没有“文件名”和“内容”的分界，文件名成了图片的开头，图片打不开。线上的格式要双方约定：这里只有内容。
//!
//! 拒绝它的测试：`basic` 的 `client_sends_exactly_the_file`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_client_sends_name -- client exercises/image_upload/photo.jpg`

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};

fn main() -> io::Result<()> {
    let file = env::args().nth(2).unwrap_or("photo.jpg".to_string());
    let addr = env::args().nth(3).unwrap_or("127.0.0.1:5555".to_string());
    let mut picture = File::open(&file)?;
    let mut stream = TcpStream::connect(addr)?;
    stream.write_all(format!("{file}\n").as_bytes())?;
    let n = io::copy(&mut picture, &mut stream)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    let sent = file.len() as u64 + 1 + n;
    if answer != format!("{sent}\n") {
        return Err(io::Error::other(format!("发送了 {sent} 字节，服务端的回答却是 {answer:?}")));
    }
    println!("上传成功：{n} 字节");
    Ok(())
}
