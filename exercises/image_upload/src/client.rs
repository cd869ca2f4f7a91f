//! 图片上传的客户端。

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;

/// 把文件 `file` 上传到 `addr` 的服务端；服务端收到的字节数与发送的不同时返回错误。
pub fn run(file: &Path, addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 打开 file
    // 2. 连接服务端
    // 3. 把文件的字节发出去，记下字节数
    // 4. 关闭写方向，告诉服务端：文件到此为止
    // 5. 读服务端的回答，直到 \n
    // 6. 回答的字节数与发送的相同：打印“上传成功：… 字节”；否则是错误
    todo!("第 1 步：打开 {}，再连接 {addr}", file.display())
}
