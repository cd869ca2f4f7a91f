//! 图片上传的客户端。

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;

/// 服务端的回答最多的字节数：`u64` 最多 20 位，加上 `\n`。类型与 `Read::take` 的参数相同。
const MAX_ANSWER: u64 = 21;

/// 把文件 `file` 上传到 `addr` 的服务端；文件不能上传、服务端没有确认收到全部字节时返回错误。
pub fn run(file: &Path, addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 检查 file：不存在、不是文件、是空的，都是错误；打开它
    // 2. 连接服务端
    // 3. 一段一段地把文件的字节发出去，记下发送的字节数
    // 4. 关闭写方向，告诉服务端：文件到此为止
    // 5. 读回答，直到 \n，最多 MAX_ANSWER 字节
    // 6. 回答的字节数与发送的相同：打印“上传成功：… 字节”；否则是错误
    todo!("第 1 步：检查 {}，再连接 {addr}；回答最多 {MAX_ANSWER} 字节", file.display())
}
