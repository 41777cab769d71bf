#include "application.h"

#include "check.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <functional>
#include <iostream>
#include <map>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <thread>
#include <unistd.h>

extern char **environ;

namespace {

using Words = std::vector<std::string>;

std::string escaped(const std::string &text) {
    std::string result;
    for (char c : text) {
        switch (c) {
            case '\\': result += "\\\\"; break;
            case '\t': result += "\\t"; break;
            case '\n': result += "\\n"; break;
            case '\0': result += "\\0"; break;
            default: result += c;
        }
    }
    return result;
}

std::string unescaped(const std::string &text) {
    std::string result;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            const char c = text[++i];
            result += c == 't' ? '\t' : c == 'n' ? '\n' : c == '0' ? '\0' : c;
        } else {
            result += text[i];
        }
    }
    return result;
}

Words split(const std::string &line) {
    Words words;
    size_t from = 0;
    for (;;) {
        const size_t tab = line.find('\t', from);
        words.push_back(unescaped(line.substr(from, tab == std::string::npos ? tab : tab - from)));
        if (tab == std::string::npos) {
            return words;
        }
        from = tab + 1;
    }
}

// What is open in this process, by the names that the other gave.
std::map<std::string, int> files;
std::map<std::string, DIR *> listings;

Outcome failed() {
    return Outcome{errno, ""};
}

Outcome done(long result) {
    return result < 0 ? failed() : Outcome{};
}

// "r", "w", "rw", "a", with "+creat", "+excl", "+trunc", "+path", "+unbuffered", "+directory".
int flags_of(const std::string &text) {
    int flags = text.starts_with("rw") ? O_RDWR : text.starts_with("w") || text.starts_with("a") ? O_WRONLY : O_RDONLY;
    const auto has = [&](const char *what) { return text.find(what) != std::string::npos; };
    flags |= text.starts_with("a") ? O_APPEND : 0;
    flags |= has("+creat") ? O_CREAT : 0;
    flags |= has("+excl") ? O_EXCL : 0;
    flags |= has("+trunc") ? O_TRUNC : 0;
    flags |= has("+path") ? O_PATH : 0;
    flags |= has("+unbuffered") ? O_DIRECT : 0;
    flags |= has("+directory") ? O_DIRECTORY : 0;
    return flags | O_CLOEXEC;
}

Outcome all_of(int file) {
    Outcome outcome;
    char buffer[65536];
    for (;;) {
        const ssize_t count = read(file, buffer, sizeof buffer);
        if (count < 0) {
            outcome.error = errno;
            return outcome;
        }
        if (count == 0) {
            return outcome;
        }
        outcome.value.append(buffer, static_cast<size_t>(count));
    }
}

// Opens, does something, and closes again.
Outcome with(const std::string &path, int flags, const std::function<Outcome(int)> &what) {
    const int file = open(path.c_str(), flags | O_CLOEXEC, 0644);
    if (file < 0) {
        return failed();
    }
    Outcome outcome = what(file);
    close(file);
    return outcome;
}

Outcome put(int file, const std::string &text) {
    const ssize_t count = write(file, text.data(), text.size());
    return count < 0 ? failed() : static_cast<size_t>(count) != text.size() ? Outcome{EIO, "short"} : Outcome{};
}

Outcome attributes(const struct stat &st) {
    const char *kind = S_ISDIR(st.st_mode) ? "dir" : S_ISLNK(st.st_mode) ? "link" : S_ISREG(st.st_mode) ? "file" : "other";
    char text[160];
    std::snprintf(text, sizeof text, "%s %lld %o %lld.%07ld", kind, static_cast<long long>(st.st_size),
                  st.st_mode & 07777, static_cast<long long>(st.st_mtim.tv_sec), st.st_mtim.tv_nsec / 100);
    return Outcome{0, text};
}

// By the system call: the C library takes ENOENT for the end of a listing.
Outcome entries(DIR *dir) {
    Outcome outcome;
    std::vector<std::string> names;
    alignas(dirent64) char room[32768];
    long length = 0;
    while ((length = syscall(SYS_getdents64, dirfd(dir), room, sizeof room)) > 0) {
        for (long at = 0; at < length;) {
            const auto *entry = reinterpret_cast<const dirent64 *>(room + at);
            const std::string name = entry->d_name;
            if (name != "." && name != "..") {
                names.push_back(name);
            }
            at += entry->d_reclen;
        }
    }
    outcome.error = length < 0 ? errno : 0;
    outcome.value = joined(names, "/");
    return outcome;
}

timespec seconds(const std::string &text) {
    return timespec{std::stoll(text), 0};
}

Outcome mapped(const Words &words, bool writes) {
    return with(words.at(1), writes ? O_RDWR : O_RDONLY, [&](int file) {
        const std::string text = writes ? words.at(2) : "";
        const size_t length = writes ? text.size() : std::stoul(words.at(2));
        void *at = mmap(nullptr, length, writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file, 0);
        if (at == MAP_FAILED) {
            return failed();
        }
        Outcome outcome;
        if (writes) {
            std::memcpy(at, text.data(), length);
        } else {
            outcome.value.assign(static_cast<const char *>(at), length);
        }
        munmap(at, length);
        return outcome;
    });
}

// Reads all of a file that may be too large to hand over: its size, and a sum of its non-zero bytes.
Outcome sum_of(int file) {
    uint64_t size = 0;
    uint64_t sum = 0;
    std::vector<unsigned char> buffer(1 << 20);
    for (;;) {
        const ssize_t count = read(file, buffer.data(), buffer.size());
        if (count < 0) {
            return failed();
        }
        if (count == 0) {
            return Outcome{0, std::to_string(size) + " " + std::to_string(sum)};
        }
        for (ssize_t i = 0; i < count; i++) {
            if (buffer[static_cast<size_t>(i)] != 0) {
                sum += buffer[static_cast<size_t>(i)] * (size + static_cast<uint64_t>(i) + 1);
            }
        }
        size += static_cast<uint64_t>(count);
    }
}

Outcome states(const std::string &path) {
    auto state = static_cast<PRJ_FILE_STATE>(0);
    const HRESULT result = PrjGetOnDiskFileState(wide(path).c_str(), &state);
    return Outcome{0, result == hr::ok ? show_state(state) : show(result)};
}

Outcome act(const Words &words) {
    const std::string &verb = words.at(0);
    const auto word = [&](size_t i) -> const std::string & { return words.at(i); };
    const auto path = [&](size_t i) { return words.at(i).c_str(); };

    // By path.
    if (verb == "stat" || verb == "lstat") {
        struct stat st;
        const int result = verb == "stat" ? stat(path(1), &st) : lstat(path(1), &st);
        return result < 0 ? failed() : attributes(st);
    }
    if (verb == "links") {
        struct stat st;
        return stat(path(1), &st) < 0 ? failed() : Outcome{0, std::to_string(st.st_nlink)};
    }
    if (verb == "inode") {
        struct stat st;
        return stat(path(1), &st) < 0 ? failed() : Outcome{0, std::to_string(st.st_ino)};
    }
    if (verb == "read") {
        return with(word(1), O_RDONLY, all_of);
    }
    if (verb == "sum") {
        return with(word(1), O_RDONLY, sum_of);
    }
    if (verb == "write") {
        return with(word(1), O_WRONLY, [&](int file) { return put(file, word(2)); });
    }
    if (verb == "append") {
        return with(word(1), O_WRONLY | O_APPEND, [&](int file) { return put(file, word(2)); });
    }
    if (verb == "create") {
        return with(word(1), O_WRONLY | O_CREAT | O_EXCL, [&](int file) { return put(file, word(2)); });
    }
    if (verb == "overwrite") {
        return with(word(1), O_WRONLY | O_TRUNC, [&](int file) { return put(file, word(2)); });
    }
    if (verb == "touch") {  // opens as told, and closes
        return with(word(2), flags_of(word(1)), [](int) { return Outcome{}; });
    }
    if (verb == "truncate") {
        return done(truncate(path(1), std::stoll(word(2))));
    }
    if (verb == "mkdir") {
        return done(mkdir(path(1), 0755));
    }
    if (verb == "rmdir") {
        return done(rmdir(path(1)));
    }
    if (verb == "unlink") {
        return done(unlink(path(1)));
    }
    if (verb == "rename") {
        return done(rename(path(1), path(2)));
    }
    if (verb == "rename_noreplace") {
        return done(renameat2(AT_FDCWD, path(1), AT_FDCWD, path(2), RENAME_NOREPLACE));
    }
    if (verb == "link") {
        return done(link(path(1), path(2)));
    }
    if (verb == "symlink") {
        return done(symlink(path(1), path(2)));
    }
    if (verb == "readlink") {
        char target[4096];
        const ssize_t length = readlink(path(1), target, sizeof target);
        return length < 0 ? failed() : Outcome{0, std::string(target, static_cast<size_t>(length))};
    }
    if (verb == "chmod") {
        return done(chmod(path(1), static_cast<mode_t>(std::stoul(word(2), nullptr, 8))));
    }
    if (verb == "utimens") {
        const timespec times[2] = {seconds(word(2)), seconds(word(2))};
        return done(utimensat(AT_FDCWD, path(1), times, AT_SYMLINK_NOFOLLOW));
    }
    if (verb == "setxattr") {
        return done(lsetxattr(path(1), path(2), word(3).data(), word(3).size(), 0));
    }
    if (verb == "getxattr") {
        char value[4096];
        const ssize_t length = lgetxattr(path(1), path(2), value, sizeof value);
        return length < 0 ? failed() : Outcome{0, std::string(value, static_cast<size_t>(length))};
    }
    if (verb == "removexattr") {
        return done(lremovexattr(path(1), path(2)));
    }
    if (verb == "listxattr") {  // those of users, sorted, with slashes between
        char names[65536];
        const ssize_t length = llistxattr(path(1), names, sizeof names);
        if (length < 0) {
            return failed();
        }
        std::vector<std::string> sorted;
        for (const char *name = names; name < names + length; name += std::strlen(name) + 1) {
            if (std::strncmp(name, "user.", 5) == 0) {
                sorted.push_back(name);
            }
        }
        std::sort(sorted.begin(), sorted.end());
        return Outcome{0, joined(sorted, "/")};
    }
    if (verb == "list") {
        DIR *dir = opendir(path(1));
        if (dir == nullptr) {
            return failed();
        }
        Outcome outcome = entries(dir);
        closedir(dir);
        return outcome;
    }
    if (verb == "mapread" || verb == "mapwrite") {
        return mapped(words, verb == "mapwrite");
    }
    if (verb == "copy_range") {  // into an existing file, from another
        return with(word(1), O_RDONLY, [&](int from) {
            return with(word(2), O_WRONLY, [&](int to) {
                return done(copy_file_range(from, nullptr, to, nullptr, std::stoul(word(3)), 0));
            });
        });
    }
    if (verb == "state") {
        return states(word(1));
    }
    if (verb == "work") {  // DIRECTORY FROM COUNT CONTENT: reads files, again if it is interrupted
        int interrupted = 0;
        for (int i = std::stoi(word(2)), end = i + std::stoi(word(3)); i < end;) {
            const Outcome outcome = with(word(1) + "/" + std::to_string(i), O_RDONLY, all_of);
            if (outcome.error == EINTR) {
                interrupted++;
                continue;
            }
            if (outcome.error != 0 || outcome.value != word(4)) {
                return Outcome{outcome.error != 0 ? outcome.error : EIO, std::to_string(i) + ": " + outcome.value};
            }
            i++;
        }
        return Outcome{0, std::to_string(interrupted)};
    }

    // By what is open.
    if (verb == "open") {  // NAME FLAGS PATH
        const int file = open(path(3), flags_of(word(2)), 0644);
        if (file < 0) {
            return failed();
        }
        files[word(1)] = file;
        return Outcome{};
    }
    if (verb == "dup") {  // NEW OLD
        files[word(1)] = dup(files.at(word(2)));
        return Outcome{};
    }
    if (verb == "get") {  // NAME OFFSET LENGTH
        std::string text(std::stoul(word(3)), '\0');
        const ssize_t count = pread(files.at(word(1)), text.data(), text.size(), std::stoll(word(2)));
        return count < 0 ? failed() : Outcome{0, text.substr(0, static_cast<size_t>(count))};
    }
    if (verb == "put") {  // NAME OFFSET TEXT
        const ssize_t count = pwrite(files.at(word(1)), word(3).data(), word(3).size(), std::stoll(word(2)));
        return done(count);
    }
    if (verb == "ftruncate") {
        return done(ftruncate(files.at(word(1)), std::stoll(word(2))));
    }
    if (verb == "fallocate") {
        return done(fallocate(files.at(word(1)), 0, 0, std::stoll(word(2))));
    }
    if (verb == "futimens") {
        const timespec times[2] = {seconds(word(2)), seconds(word(2))};
        return done(futimens(files.at(word(1)), times));
    }
    if (verb == "fstat") {
        struct stat st;
        return fstat(files.at(word(1)), &st) < 0 ? failed() : attributes(st);
    }
    if (verb == "close") {
        const int file = files.at(word(1));
        files.erase(word(1));
        return done(close(file));
    }
    if (verb == "opendir") {  // NAME PATH
        DIR *dir = opendir(path(2));
        if (dir == nullptr) {
            return failed();
        }
        listings[word(1)] = dir;
        return Outcome{};
    }
    if (verb == "entries") {
        return entries(listings.at(word(1)));
    }
    if (verb == "rewind") {
        rewinddir(listings.at(word(1)));
        return Outcome{};
    }
    if (verb == "closedir") {
        DIR *dir = listings.at(word(1));
        listings.erase(word(1));
        return done(closedir(dir));
    }
    return Outcome{ENOSYS, "no such verb: " + verb};
}

Outcome safely(const Words &words) {
    try {
        return act(words);
    } catch (const std::exception &error) {
        return Outcome{EINVAL, std::string("bad arguments: ") + error.what()};
    }
}

void ignored(int) {}

}  // namespace

std::string Outcome::text() const {
    return show_errno(error);
}

int application_main(const Words &words) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct sigaction interrupting = {};
    interrupting.sa_handler = ignored;  // without SA_RESTART
    sigaction(SIGUSR1, &interrupting, nullptr);
    if (!words.empty() && words[0] != "serve") {
        const Outcome outcome = safely(words);
        std::printf("%s\t%s\n", outcome.text().c_str(), escaped(outcome.value).c_str());
        return outcome.error == 0 ? 0 : 1;
    }
    for (std::string line; std::getline(std::cin, line);) {
        const Outcome outcome = safely(split(line));
        std::cout << outcome.error << '\t' << escaped(outcome.value) << '\n' << std::flush;
    }
    return 0;
}

Application::Application() {
    start();
}

Application::~Application() {
    stop();
}

void Application::start() {
    int in[2];
    int out[2];
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0) {
        throw GiveUp("pipe");
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::string program = settings.program;
    char child[] = "--child";
    char serve[] = "serve";
    char *arguments[] = {program.data(), child, serve, nullptr};
    const int error = posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    to_ = in[1];
    from_ = out[0];
    received_.clear();
    busy_ = false;
    if (error != 0) {
        throw GiveUp("the other process cannot be started: " + show_errno(error));
    }
}

void Application::stop() {
    close(to_);
    close(from_);
    if (pid_ > 0) {
        if (busy_) {
            kill(pid_, SIGKILL);
        }
        gone();
    }
}

void Application::begin(const Words &words) {
    if (pid_ <= 0) {
        throw GiveUp("the other process is gone");
    }
    if (busy_) {
        throw GiveUp("the other process is still busy");
    }
    Words parts;
    for (const std::string &word : words) {
        parts.push_back(escaped(word));
    }
    const std::string line = joined(parts, "\t") + "\n";
    if (write(to_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        throw GiveUp("the other process does not listen");
    }
    busy_ = true;
}

bool Application::ended(std::chrono::milliseconds within) {
    const auto until = std::chrono::steady_clock::now() + within;
    while (received_.find('\n') == std::string::npos) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd ready = {from_, POLLIN, 0};
        const int count = poll(&ready, 1, static_cast<int>(std::max<long long>(left.count(), 0)));
        if (count == 0) {
            return false;
        }
        char buffer[65536];
        const ssize_t length = count < 0 ? -1 : ::read(from_, buffer, sizeof buffer);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length <= 0) {
            throw GiveUp("the other process ended");
        }
        received_.append(buffer, static_cast<size_t>(length));
    }
    return true;
}

Outcome Application::end() {
    if (!ended(std::chrono::seconds(settings.patience))) {
        kill(pid_, SIGKILL);
        if (!gone()) {
            throw GiveUp("an operation does not end, and cannot be killed");
        }
        throw GiveUp("an operation does not end");
    }
    busy_ = false;
    const size_t newline = received_.find('\n');
    const Words parts = split(received_.substr(0, newline));
    received_.erase(0, newline + 1);
    return Outcome{std::stoi(parts.at(0)), parts.size() > 1 ? parts[1] : ""};
}

Outcome Application::operator()(const Words &words) {
    begin(words);
    try {
        return end();
    } catch (const GiveUp &) {
        if (pid_ <= 0) {
            close(to_);
            close(from_);
            start();  // the next case has a process again
        }
        throw GiveUp("\"" + joined(words, " ") + "\" does not end");
    }
}

void Application::signal(int number) {
    if (pid_ > 0) {
        kill(pid_, number);
    }
}

bool Application::gone() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(settings.patience);
    while (std::chrono::steady_clock::now() < until) {
        int status = 0;
        if (pid_ <= 0 || waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            busy_ = false;
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
}
