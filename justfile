# 不带参数的 just 列出全部命令
[private]
default:
    @just --list --unsorted

# 运行全部测试：课程程序、练习的答案；最后报告练习的进度
test-all: && progress
    cargo test
    cargo test -p '*_solution'

# 检查一个练习：先 basic，通过之后再 robust
check NAME:
    cargo test -p {{NAME}} --test basic
    cargo test -p {{NAME}} --test robust

# 每次保存都重新检查一个练习（需要 watchexec）
watch NAME:
    #!/usr/bin/env bash
    if ! command -v watchexec >/dev/null; then
        echo "需要 watchexec：cargo install watchexec-cli --locked；macOS：brew install watchexec；Windows：scoop install watchexec" >&2
        exit 1
    fi
    exec watchexec --clear --restart --watch exercises/{{NAME}}/src -- just check {{NAME}}

# 五个练习各通过了多少测试（没有做完不算失败）
progress:
    #!/usr/bin/env bash
    errors=$(mktemp)
    trap 'rm -f "$errors"' EXIT
    echo "练习的进度（通过的测试/全部测试）："
    for dir in exercises/*/; do
        name=$(basename "$dir")
        grep -qF "\"exercises/$name\"" Cargo.toml || continue # 笔记、编辑器的设置、练习的副本
        printf '  %-14s' "$name"
        for stage in 第一关:basic 第二关:robust; do
            output=$(cargo test --quiet -p "$name" --test "${stage#*:}" 2>"$errors")
            result=$(sed -nE 's/^test result: .* ([0-9]+) passed; ([0-9]+) failed.*/\1 \2/p' <<<"$output" | tail -n 1)
            if [ -n "$result" ]; then
                read -r passed failed <<<"$result"
                printf '%s %2d/%-2d   ' "${stage%:*}" "$passed" "$((passed + failed))"
            elif grep -q "could not compile .$name. " "$errors"; then
                printf '不能编译：cargo build -p %s' "$name"
                break
            else # 不是学生的错误：没有网络、cargo 太旧、清单写错
                printf 'cargo 出错：\n'
                cat "$errors"
                exit 1
            fi
        done
        echo
    done

# 给一个班评分：DIR 中每名学生一个目录，结果在 DIR-results，见 docs/instructor.md
grade DIR *OPTIONS:
    @cd {{quote(invocation_directory())}} && cargo run --quiet --manifest-path {{quote(justfile_directory() / "Cargo.toml")}} -p testkit --example grade -- {{quote(DIR)}} {{OPTIONS}}

# 检查评分：一个有对、有错、有恶意的小班，一分钟左右
grade-check:
    cargo test -p testkit --test grade -- --ignored --nocapture

# 对照：练习与第一关的答案；STAGE 写 robust 时，第一关与第二关的答案
diff NAME STAGE='basic':
    #!/usr/bin/env bash
    case {{quote(STAGE)}} in
    basic) from=exercises/{{NAME}}/src to=solutions/{{NAME}}/basic ;;
    robust) from=solutions/{{NAME}}/basic to=solutions/{{NAME}}/src ;;
    *) echo "用法：just diff {{NAME}} [robust]" >&2; exit 2 ;;
    esac
    [ -d "$from" ] || { echo "没有这个练习：{{NAME}}" >&2; exit 1; }
    # 有差别时退出状态是 1，不是出错
    if command -v git >/dev/null; then git diff --no-index "$from" "$to"; else diff -u "$from" "$to"; fi || [ $? -eq 1 ]

# 把一个练习恢复为未完成的样子；已有的工作复制到 backup 目录
reset NAME:
    #!/usr/bin/env bash
    set -euo pipefail
    fail() { echo "$1" >&2; exit 1; }
    dir=exercises/{{quote(NAME)}}
    case {{quote(NAME)}} in *[!a-z0-9_]*) fail "练习的名字只有小写字母、数字和下划线" ;; esac
    git rev-parse --git-dir >/dev/null ||
        fail "这里没有能用的 git 历史（原因见上；ZIP 文件就没有）：请重新解压一份，把其中的 $dir 复制过来。没有改动任何文件"
    # 骨架：最近一次改动任务或测试的提交；其中每个 todo! 与函数的开头之间只有步骤，没有写过的代码
    stub() {
        git show "$1" | awk '
            /^pub fn/ { body = 1; next }
            !body || /^ *(\/\/.*)?$/ { next }
            /^    todo!\(/ { todo = 1; body = 0; next }
            { written = 1 }
            END { exit !todo || written }'
    }
    for commit in $(git log --format=%H -- "$dir/README.md" "$dir/tests"); do
        files=$(git ls-tree -r --name-only "$commit" -- "$dir/src" | grep -v '/main\.rs$' || true)
        [ -n "$files" ] || continue
        for file in $files; do stub "$commit:./$file" || continue 2; done
        if [ -e "$dir" ]; then
            mkdir -p backup
            number=1
            while [ -e "backup/{{NAME}}-$number" ]; do number=$((number + 1)); done
            backup=backup/{{NAME}}-$number
            cp -R "$dir" "$backup"
            rm -rf "$dir"
            echo "原来的内容在 $backup；取回其中的程序：cp $backup/src/*.rs $dir/src/"
        fi
        git restore --source "$commit" --worktree -- "$dir" || fail "没有恢复成 $dir：见上面 git 的信息"
        echo "$dir 已恢复为未完成的样子"
        exit
    done
    fail "git 的历史中没有 $dir 未完成的样子：请重新下载一份，把其中的 $dir 复制过来。没有改动任何文件"

# 把讲义做成网页 DIR/html/index.html，练习的任务也在其中（需要 mdBook：cargo install mdbook --locked）
book DIR='target/book':
    rm -rf {{quote(DIR)}}/src && mkdir -p {{quote(DIR)}}/src && cp -R README.md LICENSE docs crates exercises solutions {{quote(DIR)}}/src
    sed 's|](|](docs/|; s|docs/\.\./||' docs/SUMMARY.md >{{quote(DIR)}}/src/SUMMARY.md
    find {{quote(DIR)}}/src \( -name '*.rs' -o -name '*.toml' -o -name '*.yml' \) -exec sh -c 'printf "\357\273\277" | cat - "$0" >"$0.txt"' {} \;
    mdbook build {{quote(DIR)}}/src/docs

# 打印成 target/book/book.pdf（需要 Chromium；root 用户：just pdf --no-sandbox）
pdf *OPTIONS: book
    chromium --headless --no-pdf-header-footer --generate-pdf-document-outline {{OPTIONS}} --print-to-pdf=target/book/book.pdf target/book/html/print.html

# 按 .rustfmt.toml 排版
fmt:
    cargo fmt --all

# 检查排版，检查代码，警告也算失败
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# 检查未动过的练习：测试全部失败而且很快；两关的答案只差该差的内容，而且够短
stubs:
    #!/usr/bin/env bash
    set -euo pipefail
    fail() { echo "$1" >&2; exit 1; }
    # 代码的行数：空行和只有注释的行不算
    lines() { cat "$@" | grep -vcE '^ *(//.*)?$'; }
    for dir in exercises/*/; do
        name=$(basename "$dir")
        [ -f "$dir/Cargo.toml" ] || continue
        cargo test --quiet -p "$name" --no-run
        start=$SECONDS
        output=$(cargo test -p "$name" --no-fail-fast --test basic --test robust 2>&1) && fail "$name：测试应当失败"
        results=$(grep '^test result:' <<<"$output")
        [ "$(grep -c ' 0 passed; [1-9][0-9]* failed' <<<"$results")" -eq 2 ] || fail "$name：有测试通过了：$results"
        tests=$(grep -c ' \.\.\. FAILED$' <<<"$output")
        [ "$(grep -c 'not yet implemented' <<<"$output")" -ge "$tests" ] || fail "$name：有测试没有指出 todo!：$output"
        [ $((SECONDS - start)) -lt 10 ] || fail "$name：测试用了 $((SECONDS - start)) 秒"
        stub=$dir/src basic=solutions/$name/basic whole=solutions/$name/src
        [ "$(ls "$stub")" = "$(ls "$basic")" ] && [ "$(ls "$stub")" = "$(ls "$whole")" ] || fail "$name：三处的文件名不同"
        cmp "$stub/main.rs" "$basic/main.rs"
        cmp "$stub/main.rs" "$whole/main.rs"
        for data in solutions/"$name"/*.jpg solutions/"$name"/dict.txt; do
            [ ! -f "$data" ] || cmp "$data" "$dir/${data##*/}"
        done
        # 第一关的答案可以增加，但只能替换步骤注释、todo! 和 use
        removed=$(diff -U0 "$stub" "$basic" | grep '^-' | grep -vE '^-(-- | +// [0-9]|    todo!\(|use )' || true)
        [ -z "$removed" ] || fail "$name：第一关的答案改动了练习给出的内容："$'\n'"$removed"
        case $name in image_upload) limit=40 ;; word_lookup | record_sender) limit=50 ;; *) limit=60 ;; esac
        first=$(lines "$basic"/[sc]*.rs) second=$(lines "$whole"/[sc]*.rs)
        [ "$first" -le "$limit" ] || fail "$name：第一关的答案有 $first 行，多于 $limit 行"
        [ $((second * 10)) -le $((first * 22)) ] || fail "$name：第二关的答案有 $second 行，多于第一关（$first 行）的 2.2 倍"
        echo "$name：$tests 个测试都失败，用了 $((SECONDS - start)) 秒；答案第一关 $first 行，第二关 $second 行，差别合乎约定"
    done

# 把五个答案各改动一处（solutions/NAME/changes.txt），检查恰好有一个测试变红
changes:
    cargo test -p '*_solution' --test solution -- --ignored

# 自动改动课程程序和答案的各处，列出测试没有发现的改动；全部约需一刻钟（需要 cargo-mutants）
mutants *ARGS:
    cargo mutants -o target/mutants-lessons -p udp_server -p udp_client -p tcp_server -p tcp_client -p http_demo {{ARGS}}
    cargo mutants -o target/mutants-solutions -p word_lookup_solution -p image_upload_solution -p record_sender_solution -p qa_bot_solution -p http_image_solution {{ARGS}} -- --test '*[ct]' --test solution -- --skip mistakes_are_rejected --skip first_stage_is_honest

# 故障测试：随机而可以重放，针对五个答案，每个约 10 秒
fire:
    FIRE_SECONDS=${FIRE_SECONDS:-10} cargo test -p '*_solution' --test fire -- --ignored --nocapture --test-threads 8

# 故障测试运行 SECONDS 秒，五个答案平分；每次的种子不同，也可以用环境变量 FIRE_SEED 指定
soak SECONDS='600':
    FIRE_SECONDS=$(({{SECONDS}} / 5)) FIRE_SEED=${FIRE_SEED:-$(date +%s)} just fire

# 性能比较：与只用 std 的对照程序、Python 程序轮流测量，不到三分钟
bench:
    #!/usr/bin/env bash
    trap 'rm -rf /dev/shm/network-course-bench' EXIT # 中途按 Ctrl-C，也不留下内存盘上的文件
    ulimit -S -n 4096 2>/dev/null
    cargo bench -p testkit --bench bench

# 用 Chromium 打开图片网页，截图保存为 target/browser-check.png；没有 Chromium 时跳过
browser-check:
    cargo test -p http_image_solution --test browser -- --ignored --nocapture

# CI 检查的一切
ci: lint test-all fire stubs changes grade-check
    RUSTDOCFLAGS='-D warnings' cargo doc --quiet --workspace --no-deps
