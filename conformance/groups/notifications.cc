// What is told and asked when applications do something: which notifications, in which order, with which masks, and what
// a refusal does.
#include "../groups.h"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace {

constexpr uint32_t all = 0x1FFE;

struct Scene {
    explicit Scene(const Instance::Options &options) : instance("notifications") {
        everything_is_told_ = options.mappings.size() == 1 && options.mappings[0].second == all && options.notifications;
        for (const auto &[path, mask] : options.mappings) {
            (void)mask;
            if (!path.empty() && path.find('.') == std::string::npos) {
                instance.provider.put(path, folder());
            }
        }
        instance.provider.put("d", folder());
        instance.start(options);
    }

    static Instance::Options with(std::vector<std::pair<std::string, uint32_t>> mappings) {
        Instance::Options options;
        options.mappings = std::move(mappings);
        return options;
    }

    // A directory for one case, with nothing recorded.
    std::string room(const std::string &parent = "d") {
        const std::string path = parent + "\\" + std::to_string(next_++);
        instance.provider.put(path, folder());
        require(application({"lstat", at(path)}).error == 0, "the room is there");
        return path;
    }

    std::string in(const std::string &path, const std::string &state) {
        bring_into_state(instance, application, path, state);
        // Closes are told of when they are, and are not part of what comes.
        if (everything_is_told_) {
            check(instance.provider.wait([&] {
                int open = 0;
                for (const Record &record : instance.provider.records(Kind::notification, path)) {
                    const uint32_t kind = static_cast<uint32_t>(record.notification);
                    const uint32_t opens = PRJ_NOTIFY_FILE_OPENED | PRJ_NOTIFY_NEW_FILE_CREATED | PRJ_NOTIFY_FILE_OVERWRITTEN;
                    open += (kind & opens) != 0 ? 1 : (kind & 0xE00) != 0 ? -1 : 0;
                }
                return open == 0;
            }),
                  "every open of the preparation was closed");
        }
        return path;
    }

    // From now on it is recorded.
    void begin() {
        settle(instance, application);
        instance.provider.wait([&] { return instance.provider.running() == 0; });
        instance.provider.clear_records();
    }

    Outcome run(const std::vector<std::string> &words) { return application(words); }

    void ok(const std::vector<std::string> &words) { expect(words, "ok"); }

    void expect(const std::vector<std::string> &words, const std::string &result) {
        same(application(words).text(), result, joined(words, " "));
    }

    // A path as the application has it.
    std::string at(const std::string &path) const { return instance.at(path); }

    Instance instance;
    Application application;

  private:
    int next_ = 0;
    bool everything_is_told_ = false;
};

// The trace of a room, where lines name items by what follows the room: "FILE_OPENED @a" is of room\a.
void traced(Scene &scene, const std::string &room, std::vector<std::string> expected) {
    for (std::string &line : expected) {
        for (size_t at = line.find('@'); at != std::string::npos; at = line.find('@')) {
            const bool of_room = at + 1 == line.size() || line[at + 1] == ' ';
            line.replace(at, 1, of_room ? room : room + "\\");
        }
    }
    expect_trace(scene.instance, room, expected);
    // What comes too late to be waited for is found here.
    settle(scene.instance, scene.application);
    expect_trace(scene.instance, room, expected, "callbacks, a little later");
}

using Lines = std::vector<std::string>;

// What is sent, operation by operation.
void per_operation(Group &group, Scene &scene) {
    const auto test = [&](const std::string &name, const std::string &state, const Lines &words, const Lines &expected,
                          const Lines &then = {}, const std::function<void(const Lines &)> &also = {}) {
        group.test(name + " / " + state, [&, words, expected, then, also] {
            const std::string room = scene.room();
            scene.in(room + "\\f", state);
            scene.begin();
            Lines said;
            for (std::string word : words) {
                if (word.starts_with("@")) {
                    word = scene.at(room + "\\" + word.substr(1));
                }
                said.push_back(word);
            }
            scene.ok(said);
            if (!then.empty()) {
                scene.ok(then);
            }
            traced(scene, room, expected);
            if (also) {
                also(scene.instance.provider.trace(room));
            }
        });
    };

    // An implementation may fetch when the file is opened, or when it is read.
    for (const std::string state : {"V", "P", "H", "DP", "DH", "F"}) {
        Lines expected;
        if (state == "V") {
            expected.push_back("INFO @f");
        }
        const bool fetches = state == "V" || state == "P" || state == "DP";
        if (fetches) {
            expected.push_back("?DATA @f 0+6");
        }
        expected.push_back("FILE_OPENED @f");
        if (fetches) {
            expected.push_back("?DATA @f 0+6");
        }
        expected.push_back("CLOSED_NO_MODIFICATION @f");
        test("open for reading", state, {"touch", "r", "@f"}, expected);
        test("read", state, {"read", "@f"}, expected);
    }
    for (const std::string state : {"V", "P", "H", "DP", "DH", "F"}) {
        Lines expected;
        if (state == "V") {
            expected.push_back("INFO @f");
        }
        if (state != "F") {
            expected.push_back("PRE_CONVERT_TO_FULL @f");
        }
        if (state == "V" || state == "P" || state == "DP") {
            expected.push_back("DATA @f 0+6");
        }
        expected.push_back("FILE_OPENED @f");
        expected.push_back("CLOSED_FILE_MODIFIED @f");
        test("open for writing, write", state, {"write", "@f", "x"}, expected);
        test("append", state, {"append", "@f", "x"}, expected);
        test("map for writing, write", state, {"mapwrite", "@f", "x"}, expected);
        expected.back() = "CLOSED_NO_MODIFICATION @f";
        test("open for writing, write nothing", state, {"touch", "w", "@f"}, expected);
    }
    for (const std::string state : {"V", "P", "H", "DP", "DH", "F"}) {
        Lines expected;
        if (state == "V") {
            expected.push_back("INFO @f");
        }
        if (state != "F") {
            expected.push_back("PRE_CONVERT_TO_FULL @f");
        }
        expected.push_back("FILE_OVERWRITTEN @f");
        expected.push_back("CLOSED_FILE_MODIFIED @f");
        test("open and truncate", state, {"overwrite", "@f", "new"}, expected);
    }
    // An operation by path opens, does its work and closes; the question may come at its opening, or at its work.
    for (const std::string state : {"V", "P", "H", "DP", "DH", "F"}) {
        const bool fetches = state == "V" || state == "P" || state == "DP";
        for (const std::string length : {"0", "3"}) {
            Lines expected;
            if (state == "V") {
                expected.push_back("INFO @f");
            }
            expected.push_back("?FILE_OPENED @f");
            if (state != "F") {
                expected.push_back("PRE_CONVERT_TO_FULL @f");
            }
            if (fetches && length != "0") {
                expected.push_back("DATA @f 0+6");
            }
            expected.push_back("?FILE_OPENED @f | FILE_OVERWRITTEN @f");
            expected.push_back("CLOSED_FILE_MODIFIED @f");
            test("truncate to " + length + ", by path", state, {"truncate", "@f", length}, expected, {}, [&](const Lines &seen) {
                const auto opened = std::count_if(seen.begin(), seen.end(), [](const std::string &line) {
                    return line.starts_with("FILE_OPENED") || line.starts_with("FILE_OVERWRITTEN");
                });
                same_number(opened, 1, "it is opened once");
            });
        }
    }
    test("create, write nothing", "A", {"create", "@f", ""},
         {"INFO @f", "NEW_FILE_CREATED @f", "CLOSED_NO_MODIFICATION @f"});
    test("create, write", "A", {"create", "@f", "new"}, {"INFO @f", "NEW_FILE_CREATED @f", "CLOSED_FILE_MODIFIED @f"});
    test("create on a tombstone", "T", {"create", "@f", ""}, {"NEW_FILE_CREATED @f", "CLOSED_NO_MODIFICATION @f"});
    test("open or create what is there", "F", {"touch", "rw+creat", "@f"},
         {"FILE_OPENED @f", "CLOSED_NO_MODIFICATION @f"});
    test("make a directory", "A", {"mkdir", "@f"},
         {"INFO @f", "NEW_FILE_CREATED @f (dir)", "CLOSED_NO_MODIFICATION @f (dir)"});
    test("make a symbolic link", "A", {"symlink", "target", "@f"},
         {"INFO @f", "NEW_FILE_CREATED @f", "CLOSED_NO_MODIFICATION @f"});
    for (const std::string state : {"V", "P", "H", "DP", "DH", "F", "L"}) {
        Lines first;
        if (state == "V") {
            first.push_back("INFO @f");
        }
        const auto after = [&](Lines rest) {
            Lines lines = first;
            lines.insert(lines.end(), rest.begin(), rest.end());
            return lines;
        };
        test("delete", state, {"unlink", "@f"}, after({"FILE_OPENED @f", "PRE_DELETE @f", "CLOSED_FILE_DELETED @f"}));
        test("rename", state, {"rename", "@f", "@g"},
             after({"INFO @g", "FILE_OPENED @f", "PRE_RENAME @f -> @g", "FILE_RENAMED @f -> @g",
                    "CLOSED_NO_MODIFICATION @g | CLOSED_NO_MODIFICATION @f"}));
        // Linking may fetch, before or after the provider has agreed.
        test("link", state, {"link", "@f", "@g"},
             after({"INFO @g", "FILE_OPENED @f", "PRE_SET_HARDLINK @f -> @g", "?DATA @f 0+6", "HARDLINK_CREATED @f -> @g",
                    "CLOSED_NO_MODIFICATION @f"}));
        test("change times", state, {"utimens", "@f", "1234567890"},
             after({"FILE_OPENED @f", "CLOSED_NO_MODIFICATION @f"}));
        test("change the mode", state, {"chmod", "@f", "600"}, after({"FILE_OPENED @f", "CLOSED_NO_MODIFICATION @f"}));
        test("look at attributes", state, {"lstat", "@f"}, first);
    }

    group.test("a rename that replaces sends nothing of the deletion of what is replaced", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "P");
        scene.in(room + "\\g", "H");
        scene.begin();
        scene.ok({"rename", scene.at(room + "\\f"), scene.at(room + "\\g")});
        traced(scene, room,
               {"FILE_OPENED @f", "PRE_RENAME @f -> @g", "FILE_RENAMED @f -> @g",
                "CLOSED_NO_MODIFICATION @g | CLOSED_NO_MODIFICATION @f"});
    });
    group.test("list a directory", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "P");
        scene.in(room + "\\g", "V");
        scene.begin();
        scene.ok({"list", scene.at(room)});
        traced(scene, room, {"FILE_OPENED @ (dir)", "CLOSED_NO_MODIFICATION @ (dir)"});
    });
    group.test("remove a directory", [&] {
        const std::string room = scene.room();
        scene.ok({"lstat", scene.at(room)});
        scene.begin();
        scene.ok({"rmdir", scene.at(room)});
        traced(scene, room, {"FILE_OPENED @ (dir)", "PRE_DELETE @ (dir)", "CLOSED_FILE_DELETED @ (dir)"});
    });
    group.test("remove a directory that is not empty", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "P");
        scene.begin();
        scene.expect({"rmdir", scene.at(room)}, "ENOTEMPTY");
        settle(scene.instance, scene.application);
        for (const std::string &line : scene.instance.provider.trace(room)) {
            check(!line.starts_with("CLOSED_FILE_DELETED"), "it is not told as deleted: " + line);
        }
    });
    group.test("change a directory's times", [&] {
        const std::string room = scene.room();
        scene.ok({"lstat", scene.at(room)});
        scene.begin();
        scene.ok({"utimens", scene.at(room), "1234567890"});
        traced(scene, room, {"FILE_OPENED @ (dir)", "CLOSED_NO_MODIFICATION @ (dir)"});
    });
    group.test("rename a local directory", [&] {
        const std::string room = scene.room();
        scene.ok({"mkdir", scene.at(room + "\\f")});
        scene.begin();
        scene.ok({"rename", scene.at(room + "\\f"), scene.at(room + "\\g")});
        traced(scene, room,
               {"INFO @g", "FILE_OPENED @f (dir)", "PRE_RENAME @f -> @g (dir)", "FILE_RENAMED @f -> @g (dir)",
                "CLOSED_NO_MODIFICATION @g (dir) | CLOSED_NO_MODIFICATION @f (dir)"});
    });
    group.test("rename a projected directory", [&] {
        const std::string room = scene.room();
        scene.instance.provider.put(room + "\\f", folder());
        scene.ok({"lstat", scene.at(room + "\\f")});
        scene.begin();
        const Outcome outcome = scene.run({"rename", scene.at(room + "\\f"), scene.at(room + "\\g")});
        if (outcome.error == 0) {
            traced(scene, room,
                   {"INFO @g", "FILE_OPENED @f (dir)", "PRE_RENAME @f -> @g (dir)", "FILE_RENAMED @f -> @g (dir)",
                    "CLOSED_NO_MODIFICATION @g (dir) | CLOSED_NO_MODIFICATION @f (dir)"});
        } else {
            one_of(outcome.text(), {"EXDEV", "EOPNOTSUPP", "EINVAL"}, "result");
            traced(scene, room, {"INFO @g", "?FILE_OPENED @f (dir)", "?CLOSED_NO_MODIFICATION @f (dir)"});
        }
    });
    group.not_applicable("an item comes from outside the root, or goes outside (empty paths)",
                         "a mount is a file system of its own: the kernel refuses with EXDEV, tools copy and delete");
    group.not_applicable("delete on close", "Linux deletes names, at once");
}

// Closes: which kind, how many.
void closes(Group &group, Scene &scene) {
    group.test("a handle and its duplicate are closed once", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "F");
        scene.begin();
        scene.ok({"open", "a", "r", scene.at(room + "\\f")});
        scene.ok({"dup", "b", "a"});
        scene.ok({"close", "a"});
        settle(scene.instance, scene.application);
        traced(scene, room, {"FILE_OPENED @f"});
        scene.ok({"close", "b"});
        traced(scene, room, {"FILE_OPENED @f", "CLOSED_NO_MODIFICATION @f"});
    });
    group.test("each handle is closed by what was done through it", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "F");
        scene.begin();
        scene.ok({"open", "reader", "r", scene.at(room + "\\f")});
        scene.ok({"open", "writer", "w", scene.at(room + "\\f")});
        scene.ok({"put", "writer", "0", "x"});
        scene.ok({"close", "reader"});
        traced(scene, room, {"FILE_OPENED @f", "FILE_OPENED @f", "CLOSED_NO_MODIFICATION @f"});
        scene.ok({"close", "writer"});
        traced(scene, room, {"FILE_OPENED @f", "FILE_OPENED @f", "CLOSED_NO_MODIFICATION @f", "CLOSED_FILE_MODIFIED @f"});
    });
    for (const auto &[name, words] :
         {std::pair{"truncated through the handle", Lines{"ftruncate", "f", "2"}},
          std::pair{"extended by fallocate", Lines{"fallocate", "f", "100000"}}}) {
        group.test(std::string("modified: ") + name, [&, words = words] {
            const std::string room = scene.room();
            scene.in(room + "\\f", "F");
            scene.begin();
            scene.ok({"open", "f", "rw", scene.at(room + "\\f")});
            scene.ok(words);
            scene.ok({"close", "f"});
            traced(scene, room, {"FILE_OPENED @f", "CLOSED_FILE_MODIFIED @f"});
        });
    }
    group.test("modified: copied into", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "F");
        scene.in(room + "\\g", "L");
        scene.begin();
        scene.ok({"copy_range", scene.at(room + "\\g"), scene.at(room + "\\f"), "3"});
        scene.instance.provider.wait([&] { return scene.instance.provider.trace(room + "\\f").size() >= 2; });
        traced(scene, room + "\\f", {"FILE_OPENED @", "CLOSED_FILE_MODIFIED @"});
    });
    group.test("metadata alone is no modification", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "F");
        scene.begin();
        scene.ok({"open", "f", "rw", scene.at(room + "\\f")});
        scene.ok({"chmod", scene.at(room + "\\f"), "600"});
        scene.ok({"close", "f"});
        traced(scene, room,
               {"FILE_OPENED @f", "FILE_OPENED @f", "CLOSED_NO_MODIFICATION @f", "CLOSED_NO_MODIFICATION @f"});
    });
    group.test("a file that was deleted while open is deleted once", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "F");
        scene.begin();
        scene.ok({"open", "f", "rw", scene.at(room + "\\f")});
        scene.ok({"unlink", scene.at(room + "\\f")});
        scene.ok({"put", "f", "0", "x"});
        scene.ok({"close", "f"});
        traced(scene, room,
               {"FILE_OPENED @f", "FILE_OPENED @f", "PRE_DELETE @f", "CLOSED_FILE_DELETED @f", "CLOSED_FILE_MODIFIED @f"});
    });
    group.test("of a deletion, whether the handle modified the file", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "F");
        scene.begin();
        scene.ok({"unlink", scene.at(room + "\\f")});
        settle(scene.instance, scene.application);
        for (const Record &record : scene.instance.provider.records(Kind::notification, room + "\\f")) {
            same_number(record.parameters, 0, "parameters of " + record.text());
        }
    });
}

// Refusals, before the operation and, of an open, after it.
void refusals(Group &group, Scene &scene) {
    struct Refusal {
        const char *name;
        PRJ_NOTIFICATION of;
        const char *state;
        Lines words;
        Lines expected;
    };
    const std::vector<Refusal> refused = {
        {"open", PRJ_NOTIFICATION_FILE_OPENED, "H", {"read", "@f"}, {"FILE_OPENED @f", "?CLOSED_NO_MODIFICATION @f"}},
        {"delete", PRJ_NOTIFICATION_PRE_DELETE, "P", {"unlink", "@f"},
         {"FILE_OPENED @f", "PRE_DELETE @f", "CLOSED_NO_MODIFICATION @f"}},
        {"delete", PRJ_NOTIFICATION_PRE_DELETE, "F", {"unlink", "@f"},
         {"FILE_OPENED @f", "PRE_DELETE @f", "CLOSED_NO_MODIFICATION @f"}},
        {"rename", PRJ_NOTIFICATION_PRE_RENAME, "H", {"rename", "@f", "@g"},
         {"INFO @g", "FILE_OPENED @f", "PRE_RENAME @f -> @g", "CLOSED_NO_MODIFICATION @f"}},
        {"link", PRJ_NOTIFICATION_PRE_SET_HARDLINK, "H", {"link", "@f", "@g"},
         {"INFO @g", "FILE_OPENED @f", "PRE_SET_HARDLINK @f -> @g", "CLOSED_NO_MODIFICATION @f"}},
        {"write", PRJ_NOTIFICATION_FILE_PRE_CONVERT_TO_FULL, "P", {"write", "@f", "x"}, {"PRE_CONVERT_TO_FULL @f"}},
        {"write", PRJ_NOTIFICATION_FILE_PRE_CONVERT_TO_FULL, "H", {"write", "@f", "x"}, {"PRE_CONVERT_TO_FULL @f"}},
        {"open and truncate", PRJ_NOTIFICATION_FILE_PRE_CONVERT_TO_FULL, "H", {"overwrite", "@f", "x"},
         {"PRE_CONVERT_TO_FULL @f"}},
        {"truncate", PRJ_NOTIFICATION_FILE_PRE_CONVERT_TO_FULL, "H", {"truncate", "@f", "2"},
         {"?FILE_OPENED @f", "PRE_CONVERT_TO_FULL @f", "?CLOSED_NO_MODIFICATION @f"}},
    };
    for (const Refusal &refusal : refused) {
        for (const auto &[code, error] :
             {std::pair{hr::access_denied, "EACCES"}, std::pair{hr::cannot_delete, "EPERM"},
              std::pair{hr::out_of_memory, "ENOMEM"}, std::pair{hr::unavailable, "EHOSTDOWN"},
              std::pair{hr::internal_error, "EIO"}}) {
            group.test(std::string("refuse to ") + refusal.name + " / " + refusal.state + " with " + show(code),
                       [&, code = code, error = error] {
                           const std::string room = scene.room();
                           scene.in(room + "\\f", refusal.state);
                           scene.begin();
                           scene.instance.provider.hook(Kind::notification, room + "\\f",
                                                        [&](Record &record) -> std::optional<HRESULT> {
                                                            if (record.notification == refusal.of) {
                                                                return code;
                                                            }
                                                            return std::nullopt;
                                                        });
                           Lines said;
                           for (std::string word : refusal.words) {
                               said.push_back(word.starts_with("@") ? scene.at(room + "\\" + word.substr(1)) : word);
                           }
                           scene.expect(said, error);
                           traced(scene, room, refusal.expected);
                           scene.instance.provider.clear_hooks();
                           same(scene.instance.state(room + "\\f"), refusal.state, "state");
                           same(scene.instance.state(room + "\\g"), "none", "state of the other name");
                           same(scene.run({"read", scene.at(room + "\\f")}).value,
                                std::string(refusal.state) == "F" ? "changed" : "stored", "content");
                       });
        }
    }
    group.test("what is told after the fact cannot be refused", [&] {
        const std::string room = scene.room();
        scene.instance.provider.put(room + "\\h", file("stored"));
        scene.begin();
        scene.instance.provider.hook(Kind::notification, "", [&](Record &record) -> std::optional<HRESULT> {
            switch (record.notification) {
                case PRJ_NOTIFICATION_NEW_FILE_CREATED:
                case PRJ_NOTIFICATION_FILE_OVERWRITTEN:
                case PRJ_NOTIFICATION_FILE_RENAMED:
                case PRJ_NOTIFICATION_HARDLINK_CREATED:
                case PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_NO_MODIFICATION:
                case PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_FILE_MODIFIED:
                case PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_FILE_DELETED: return hr::access_denied;
                default: return std::nullopt;
            }
        });
        scene.ok({"create", scene.at(room + "\\f"), "x"});
        scene.ok({"mkdir", scene.at(room + "\\d")});
        scene.ok({"overwrite", scene.at(room + "\\h"), "new"});
        scene.ok({"rename", scene.at(room + "\\f"), scene.at(room + "\\g")});
        scene.ok({"link", scene.at(room + "\\g"), scene.at(room + "\\i")});
        scene.ok({"unlink", scene.at(room + "\\g")});
        settle(scene.instance, scene.application);
        scene.instance.provider.clear_hooks();
        same(scene.run({"read", scene.at(room + "\\h")}).value, "new", "content");
        same(scene.run({"read", scene.at(room + "\\i")}).value, "x", "content of the link");
    });
}

// Which mask concerns a path.
void mappings(Group &group) {
    group.test("without mappings: opened, created and overwritten", [&] {
        Instance::Options options;
        Scene scene(options);
        const std::string room = scene.room();
        scene.in(room + "\\f", "H");
        scene.begin();
        scene.ok({"read", scene.at(room + "\\f")});
        scene.ok({"overwrite", scene.at(room + "\\f"), "x"});
        scene.ok({"create", scene.at(room + "\\g"), "x"});
        scene.ok({"rename", scene.at(room + "\\g"), scene.at(room + "\\h")});
        scene.ok({"unlink", scene.at(room + "\\h")});
        traced(scene, room,
               {"FILE_OPENED @f", "FILE_OVERWRITTEN @f", "INFO @g", "NEW_FILE_CREATED @g", "INFO @h", "FILE_OPENED @g",
                "FILE_OPENED @h"});
    });
    group.test("without options at all: the same", [&] {
        Instance::Options options;
        options.none = true;
        Scene scene(options);
        const std::string room = scene.room();
        scene.in(room + "\\f", "H");
        scene.begin();
        scene.ok({"read", scene.at(room + "\\f")});
        scene.ok({"unlink", scene.at(room + "\\f")});
        traced(scene, room, {"FILE_OPENED @f", "FILE_OPENED @f"});
    });
    group.test("without a callback nothing is sent, and mappings do not matter", [&] {
        auto options = Scene::with({{"", all}});
        options.notifications = false;
        Scene scene(options);
        const std::string room = scene.room();
        scene.in(room + "\\f", "H");
        scene.begin();
        scene.ok({"overwrite", scene.at(room + "\\f"), "x"});
        scene.ok({"unlink", scene.at(room + "\\f")});
        traced(scene, room, {});
    });
    group.test("what no mapping covers is not told", [&] {
        Scene scene(Scene::with({{"watched", all}}));
        const std::string room = scene.room();
        const std::string watched = scene.room("watched");
        scene.in(room + "\\f", "H");
        scene.in(watched + "\\f", "H");
        scene.begin();
        scene.ok({"read", scene.at(room + "\\f")});
        scene.ok({"read", scene.at(watched + "\\f")});
        traced(scene, watched, {"FILE_OPENED @f", "CLOSED_NO_MODIFICATION @f"});
        traced(scene, room, {});
    });
    for (const bool reversed : {false, true}) {
        group.test(std::string("the most specific mapping decides") + (reversed ? ", in any order" : ""), [&] {
            std::vector<std::pair<std::string, uint32_t>> list = {
                {"", PRJ_NOTIFY_FILE_OPENED},
                {"a", PRJ_NOTIFY_FILE_HANDLE_CLOSED_NO_MODIFICATION},
                {"a\\b", PRJ_NOTIFY_FILE_OPENED | PRJ_NOTIFY_FILE_HANDLE_CLOSED_NO_MODIFICATION},
                {"a\\b\\one.txt", PRJ_NOTIFY_SUPPRESS_NOTIFICATIONS},
            };
            if (reversed) {
                std::reverse(list.begin(), list.end());
            }
            Scene scene(Scene::with(list));
            for (const std::string path : {"top.txt", "a\\f.txt", "ab.txt", "a\\b\\f.txt", "a\\b\\one.txt", "a\\b\\one.txt2"}) {
                scene.in(path, "H");
            }
            scene.begin();
            for (const std::string path : {"top.txt", "a\\f.txt", "ab.txt", "a\\b\\f.txt", "a\\b\\one.txt", "a\\b\\one.txt2"}) {
                scene.ok({"read", scene.at(path)});
            }
            settle(scene.instance, scene.application);
            expect_trace(scene.instance, "top.txt", {"FILE_OPENED top.txt"});
            expect_trace(scene.instance, "ab.txt", {"FILE_OPENED ab.txt"});
            expect_trace(scene.instance, "a\\f.txt", {"CLOSED_NO_MODIFICATION a\\f.txt"});
            expect_trace(scene.instance, "a\\b\\f.txt", {"FILE_OPENED a\\b\\f.txt", "CLOSED_NO_MODIFICATION a\\b\\f.txt"});
            expect_trace(scene.instance, "a\\b\\one.txt", {});
            expect_trace(scene.instance, "a\\b\\one.txt2",
                         {"FILE_OPENED a\\b\\one.txt2", "CLOSED_NO_MODIFICATION a\\b\\one.txt2"});
        });
    }
    group.test("of two mappings for one root the last counts", [&] {
        Scene scene(Scene::with({{"a", PRJ_NOTIFY_FILE_OPENED}, {"a", PRJ_NOTIFY_FILE_HANDLE_CLOSED_NO_MODIFICATION}}));
        scene.in("a\\f", "H");
        scene.begin();
        scene.ok({"read", scene.at("a\\f")});
        traced(scene, "a", {"CLOSED_NO_MODIFICATION @f"});
    });
    group.test("SUPPRESS overrides the other bits of its mask", [&] {
        Scene scene(Scene::with({{"", all}, {"a", all | PRJ_NOTIFY_SUPPRESS_NOTIFICATIONS}, {"b", PRJ_NOTIFY_NONE}}));
        scene.in("a\\f", "H");
        scene.in("b\\f", "H");
        scene.begin();
        for (const std::string at : {"a\\f", "b\\f"}) {
            scene.ok({"read", scene.at(at)});
            scene.ok({"overwrite", scene.at(at), "x"});
            scene.ok({"unlink", scene.at(at)});
        }
        traced(scene, "a", {});
        traced(scene, "b", {});
    });
    for (const auto &[name, path, mask] :
         {std::tuple{"the root \".\"", ".", all}, std::tuple{"a separator first", "\\a", all},
          std::tuple{"a separator last", "a\\", all}, std::tuple{"a part that is ..", "a\\..\\b", all},
          std::tuple{"an empty part", "a\\\\b", all}, std::tuple{"unknown bits", "a", 0x2000u},
          std::tuple{"USE_EXISTING_MASK", "a", 0xFFFFFFFFu}}) {
        group.test(std::string("a mapping is refused: ") + name, [&, path = path, mask = mask] {
            Instance instance("mapping");
            Instance::Options options;
            options.mappings = {{path, mask}};
            same(instance.try_start(options), hr::invalid_argument, "PrjStartVirtualizing");
            check(!instance.running(), "nothing runs");
        });
    }
    // One bit at a time: a subtree for each.
    std::vector<std::pair<std::string, uint32_t>> singles;
    for (uint32_t bit = PRJ_NOTIFY_FILE_OPENED; bit <= PRJ_NOTIFY_FILE_PRE_CONVERT_TO_FULL; bit <<= 1) {
        singles.emplace_back("bit-" + std::to_string(bit), bit);
    }
    Scene scene(Scene::with(singles));
    for (const auto &[path, bit] : singles) {
        const auto kind = static_cast<PRJ_NOTIFICATION>(bit);
        group.test("only what is registered is told: " + show_notification(kind), [&, path = path, bit = bit] {
            const std::string room = scene.room(path);
            for (const char *state : {"P", "H", "L"}) {
                scene.in(room + "\\" + state, state);
            }
            scene.begin();
            scene.ok({"read", scene.at(room + "\\P")});
            scene.ok({"write", scene.at(room + "\\H"), "x"});
            scene.ok({"create", scene.at(room + "\\new"), "x"});
            scene.ok({"mkdir", scene.at(room + "\\dir")});
            scene.ok({"overwrite", scene.at(room + "\\L"), "x"});
            scene.ok({"link", scene.at(room + "\\L"), scene.at(room + "\\link")});
            scene.ok({"rename", scene.at(room + "\\new"), scene.at(room + "\\new2")});
            scene.ok({"unlink", scene.at(room + "\\new2")});
            scene.instance.provider.wait([&] {
                for (const Record &record : scene.instance.provider.records()) {
                    if (record.kind == Kind::notification) {
                        return true;
                    }
                }
                return false;
            });
            settle(scene.instance, scene.application);
            size_t of_kind = 0;
            for (const Record &record : scene.instance.provider.records()) {
                if (record.kind == Kind::notification) {
                    same(show_notification(record.notification), show_notification(kind), record.text());
                    of_kind++;
                }
            }
            check(of_kind > 0, "it is told");
        });
    }
}

// Masks that the provider answers with.
void answered_masks(Group &group, Scene &scene) {
    const auto answer = [&](const std::string &path, PRJ_NOTIFICATION to, uint32_t mask) {
        scene.instance.provider.hook(Kind::notification, path, [=](Record &record) -> std::optional<HRESULT> {
            if (record.notification == to) {
                record.parameters_at->PostCreate.NotificationMask = static_cast<PRJ_NOTIFY_TYPES>(mask);
            }
            return std::nullopt;
        });
    };
    group.test("SUPPRESS holds until the last handle is closed", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "F");
        scene.begin();
        answer(room + "\\f", PRJ_NOTIFICATION_FILE_OPENED, PRJ_NOTIFY_SUPPRESS_NOTIFICATIONS);
        scene.ok({"open", "a", "rw", scene.at(room + "\\f")});
        scene.ok({"open", "b", "rw", scene.at(room + "\\f")});
        scene.ok({"put", "a", "0", "x"});
        scene.ok({"close", "a"});
        settle(scene.instance, scene.application);
        scene.ok({"close", "b"});
        settle(scene.instance, scene.application);
        traced(scene, room, {"FILE_OPENED @f"});
        scene.instance.provider.clear_hooks();
        // The close is told of when it is, so the next open may still find the mask; it is gone in the end.
        check(scene.instance.provider.wait([&] {
            scene.ok({"read", scene.at(room + "\\f")});
            return scene.instance.provider.trace(room).size() > 1;
        }),
              "afterwards it is as before");
    });
    for (const auto &[name, mask] : {std::pair{"NONE", 0u}, std::pair{"USE_EXISTING_MASK", 0xFFFFFFFFu}}) {
        group.test(std::string(name) + " keeps the mask", [&, mask = mask] {
            const std::string room = scene.room();
            scene.in(room + "\\f", "F");
            scene.begin();
            answer(room + "\\f", PRJ_NOTIFICATION_FILE_OPENED, mask);
            scene.ok({"write", scene.at(room + "\\f"), "x"});
            traced(scene, room, {"FILE_OPENED @f", "CLOSED_FILE_MODIFIED @f"});
            scene.instance.provider.clear_hooks();
        });
    }
    group.test("an answer to NEW_FILE_CREATED replaces the mask", [&] {
        const std::string room = scene.room();
        scene.ok({"lstat", scene.at(room)});
        scene.begin();
        answer(room + "\\f", PRJ_NOTIFICATION_NEW_FILE_CREATED, PRJ_NOTIFY_PRE_RENAME);
        scene.ok({"open", "a", "rw+creat", scene.at(room + "\\f")});
        scene.ok({"put", "a", "0", "x"});
        scene.ok({"close", "a"});
        settle(scene.instance, scene.application);
        traced(scene, room, {"INFO @f", "NEW_FILE_CREATED @f"});
        scene.instance.provider.clear_hooks();
    });
    group.test("an answer to FILE_OVERWRITTEN replaces the mask", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "F");
        scene.begin();
        answer(room + "\\f", PRJ_NOTIFICATION_FILE_OVERWRITTEN, PRJ_NOTIFY_FILE_HANDLE_CLOSED_NO_MODIFICATION);
        scene.ok({"overwrite", scene.at(room + "\\f"), "x"});
        traced(scene, room, {"FILE_OVERWRITTEN @f"});
        scene.instance.provider.clear_hooks();
    });
    group.test("an answer to FILE_RENAMED replaces the mask", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "F");
        scene.begin();
        answer(room + "\\f", PRJ_NOTIFICATION_FILE_RENAMED, PRJ_NOTIFY_SUPPRESS_NOTIFICATIONS);
        scene.ok({"open", "a", "r", scene.at(room + "\\f")});
        scene.ok({"rename", scene.at(room + "\\f"), scene.at(room + "\\g")});
        scene.ok({"close", "a"});
        settle(scene.instance, scene.application);
        traced(scene, room,
               {"FILE_OPENED @f", "INFO @g", "FILE_OPENED @f", "PRE_RENAME @f -> @g", "FILE_RENAMED @f -> @g"});
        scene.instance.provider.clear_hooks();
    });
    group.test("unknown bits of an answer are ignored", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "F");
        scene.begin();
        answer(room + "\\f", PRJ_NOTIFICATION_FILE_OPENED,
               0x00100000u | PRJ_NOTIFY_FILE_HANDLE_CLOSED_FILE_MODIFIED);
        scene.ok({"write", scene.at(room + "\\f"), "x"});
        traced(scene, room, {"FILE_OPENED @f", "CLOSED_FILE_MODIFIED @f"});
        scene.instance.provider.clear_hooks();
    });
    group.test("masks are 0 when they come", [&] {
        for (const Record &record : scene.instance.provider.records()) {
            if (record.kind == Kind::notification) {
                same_number(record.parameters, 0, "parameters of " + record.text());
                check(record.directory_byte <= 1, "isDirectory is 0 or 1");
            }
        }
    });
}

// Renames and links between subtrees with different masks.
void between_mappings(Group &group) {
    const uint32_t moves = PRJ_NOTIFY_PRE_RENAME | PRJ_NOTIFY_FILE_RENAMED | PRJ_NOTIFY_PRE_SET_HARDLINK |
                           PRJ_NOTIFY_HARDLINK_CREATED;
    Scene scene(Scene::with({{"wants", moves},
                             {"silent", PRJ_NOTIFY_SUPPRESS_NOTIFICATIONS},
                             {"other", PRJ_NOTIFY_FILE_HANDLE_CLOSED_FILE_DELETED}}));
    const auto told = [&](const std::string &from, const std::string &to, bool is_told) {
        group.test("rename from " + from + " to " + to, [&, from, to, is_told] {
            const std::string room = scene.room(from);
            const std::string target = scene.room(to) + "\\g";
            scene.in(room + "\\f", "H");
            scene.ok({"lstat", scene.at(target.substr(0, target.size() - 2))});
            scene.begin();
            scene.ok({"rename", scene.at(room + "\\f"), scene.at(target)});
            traced(scene, room,
                   is_told ? Lines{"PRE_RENAME @f -> " + target, "FILE_RENAMED @f -> " + target} : Lines{});
        });
        group.test("link from " + from + " to " + to, [&, from, to, is_told] {
            const std::string room = scene.room(from);
            const std::string target = scene.room(to) + "\\g";
            scene.in(room + "\\f", "H");
            scene.ok({"lstat", scene.at(target.substr(0, target.size() - 2))});
            scene.begin();
            scene.ok({"link", scene.at(room + "\\f"), scene.at(target)});
            traced(scene, room,
                   is_told ? Lines{"PRE_SET_HARDLINK @f -> " + target, "HARDLINK_CREATED @f -> " + target} : Lines{});
        });
    };
    told("wants", "wants", true);
    told("wants", "other", true);
    told("other", "wants", true);
    told("other", "other", false);
    told("wants", "silent", true);
    told("silent", "wants", true);
    told("silent", "silent", false);
    told("silent", "other", false);
}

void who_and_when(Group &group, Scene &scene) {
    group.test("of eight who convert a file at once, one asks and one fetches", [&] {
        const std::string room = scene.room();
        const std::string path = room + "\\f";
        scene.in(path, "P");
        scene.begin();
        std::atomic<bool> go{false};
        scene.instance.provider.hook(Kind::notification, path, [&](Record &record) -> std::optional<HRESULT> {
            while (record.notification == PRJ_NOTIFICATION_FILE_PRE_CONVERT_TO_FULL && !go) {
                usleep(1000);
            }
            return std::nullopt;
        });
        {
            std::vector<std::unique_ptr<Application>> many;
            for (int i = 0; i < 8; i++) {
                many.push_back(std::make_unique<Application>());
                many.back()->begin({"write", scene.at(path), "x"});
            }
            scene.instance.provider.wait_for(Kind::notification, path);
            usleep(100000);  // so that the others are there too; without them the case only shows less
            go = true;
            for (auto &one : many) {
                same(one->end().text(), "ok", "writing");
            }
        }
        settle(scene.instance, scene.application);
        scene.instance.provider.clear_hooks();
        size_t asked = 0;
        for (const Record &record : scene.instance.provider.records(Kind::notification, path)) {
            asked += record.notification == PRJ_NOTIFICATION_FILE_PRE_CONVERT_TO_FULL ? 1 : 0;
        }
        same_number(static_cast<long long>(asked), 1, "PRE_CONVERT_TO_FULL");
        same_number(static_cast<long long>(scene.instance.provider.records(Kind::data, path).size()), 1, "DATA");
    });
    group.test("the provider's own process is not told of what it does", [&] {
        const std::string room = scene.room();
        scene.in(room + "\\f", "P");
        scene.begin();
        const int file = open(scene.at(room + "\\f").c_str(), O_RDWR | O_CLOEXEC);
        check(file >= 0, "opening in the provider's process");
        check(write(file, "x", 1) == 1, "writing in the provider's process");
        close(file);
        check(link(scene.at(room + "\\f").c_str(), scene.at(room + "\\g").c_str()) == 0, "linking");
        check(unlink(scene.at(room + "\\f").c_str()) == 0, "deleting");
        settle(scene.instance, scene.application);
        for (const Record &record : scene.instance.provider.records()) {
            check(record.kind != Kind::notification || !record.path.starts_with(room), "told: " + record.text());
        }
        check(!scene.instance.provider.records(Kind::data, room + "\\f").empty(), "it is served, though");
    });
    group.test("an operation waits for what it is told of afterwards", [&] {
        const std::string room = scene.room();
        scene.ok({"lstat", scene.at(room)});
        scene.begin();
        std::atomic<bool> go{false};
        scene.instance.provider.hook(Kind::notification, room + "\\f", [&](Record &record) -> std::optional<HRESULT> {
            while (record.notification == PRJ_NOTIFICATION_NEW_FILE_CREATED && !go) {
                usleep(1000);
            }
            return std::nullopt;
        });
        Application other;
        other.begin({"mkdir", scene.at(room + "\\f")});
        check(scene.instance.provider.wait_for(Kind::notification, room + "\\f"), "it is told");
        check(!other.ended(std::chrono::milliseconds(200)), "the application waits");
        go = true;
        same(other.end().text(), "ok", "then it ends");
        settle(scene.instance, scene.application);
        scene.instance.provider.clear_hooks();
    });
}

}  // namespace

void notifications(Group &group) {
    Scene scene(Scene::with({{"", all}}));
    per_operation(group, scene);
    closes(group, scene);
    refusals(group, scene);
    answered_masks(group, scene);
    who_and_when(group, scene);
    scene.instance.stop();
    mappings(group);
    between_mappings(group);
}
