// What each operation does to a directory in each state.
#include "../groups.h"

#include <filesystem>

namespace {

class Directories {
  public:
    explicit Directories(Group &group) : group(group), instance("directories") {
        instance.provider.put("d", folder());
        Instance::Options options;
        options.notifications = false;
        instance.start(options);
        require(application({"lstat", instance.at("d")}).error == 0, "the directory is there");
        outside = fresh_directory("outside");
    }

    ~Directories() {
        std::error_code ignored;
        std::filesystem::remove_all(outside, ignored);
    }

    // One case for each state. V P D T A, F (local, and not in the store), S (local, and in the store).
    void each(const std::string &name, const std::vector<std::string> &states,
              const std::function<void(const std::string &path, const std::string &state)> &body) {
        for (const std::string &state : states) {
            group.test(name + " / " + state, [&] {
                const std::string path = "d\\" + std::to_string(next_++) + "-" + state;
                bring(path, state);
                instance.provider.clear_records();
                body(path, state);
            });
        }
    }

    void bring(const std::string &path, const std::string &state) {
        if (state != "A" && state != "F") {
            instance.provider.put(path, folder());
        }
        if (state == "P" || state == "D") {
            ok({"lstat", instance.at(path)});
        }
        if (state == "D") {
            ok({"utimens", instance.at(path), "1000000000"});
        }
        if (state == "T" || state == "S") {
            ok({"rmdir", instance.at(path)});
        }
        if (state == "F" || state == "S") {
            ok({"mkdir", instance.at(path)});
        }
        expect_state(path, state, "before");
    }

    // The state in the words of the states above.
    void expect_state(const std::string &path, const std::string &state, const std::string &when = "afterwards") {
        const std::string seen = instance.state(path);
        const std::string expected = state == "D"                                     ? "DP"
                                     : state == "V" || state == "T" || state == "A"   ? "none"
                                     : state == "S"                                   ? "F"
                                                                                      : state;
        same(seen, expected, "state of " + path + " " + when);
    }

    // Adds an item to the store.
    void project(const std::string &path, const Entry &entry = file("stored")) { instance.provider.put(path, entry); }

    Outcome run(const std::vector<std::string> &words) { return application(words); }

    void ok(const std::vector<std::string> &words) {
        const Outcome outcome = application(words);
        require(outcome.error == 0, joined(words, " ") + ": " + outcome.text());
    }

    void expect(const std::vector<std::string> &words, const std::string &result) {
        same(application(words).text(), result, joined(words, " "));
    }

    // Names of a directory, sorted.
    std::string list(const std::string &path) {
        const Outcome outcome = application({"list", instance.at(path)});
        if (outcome.error != 0) {
            return outcome.text();
        }
        std::vector<std::string> names;
        std::string name;
        for (char c : outcome.value + "/") {
            if (c != '/') {
                name += c;
            } else if (!name.empty()) {
                names.push_back(name);
                name.clear();
            }
        }
        std::sort(names.begin(), names.end());
        return joined(names, " ");
    }

    // Whether a name that is gone was left a tombstone.
    void expect_gone(const std::string &path, bool tombstone) {
        instance.provider.clear_records();
        expect({"lstat", instance.at(path)}, "ENOENT");
        same_number(static_cast<long long>(instance.provider.records(Kind::info, path).size()), tombstone ? 0 : 1,
                    tombstone ? "a tombstone hides it" : "nothing hides it");
        when_stopped.emplace_back(path, tombstone ? "T" : "none");
    }

    Group &group;
    Instance instance;
    Application application;
    std::string outside;
    std::vector<std::pair<std::string, std::string>> when_stopped;

  private:
    int next_ = 0;
};

const std::vector<std::string> all = {"V", "P", "D", "F", "S", "T", "A"};
const std::vector<std::string> present = {"V", "P", "D", "F", "S"};

bool is_full(const std::string &state) {
    return state == "F" || state == "S";
}

}  // namespace

void directory_transitions(Group &group) {
    Directories dirs(group);
    Instance &instance = dirs.instance;
    const auto at = [&](const std::string &path) { return instance.at(path); };
    // A virtual directory that was touched is a placeholder.
    const auto looked_up = [](const std::string &state) { return state == "V" ? std::string("P") : state; };

    dirs.each("1 list the parent", all, [&](const std::string &path, const std::string &state) {
        const bool shown = (" " + dirs.list("d") + " ").find(" " + path.substr(2) + " ") != std::string::npos;
        check(shown == (state != "T" && state != "A"), shown ? "it is shown" : "it is not shown");
        dirs.expect_state(path, state);
        same_number(static_cast<long long>(instance.provider.records(Kind::info, path).size()), 0, "asked for");
    });

    dirs.each("2 look up", all, [&](const std::string &path, const std::string &state) {
        dirs.expect({"lstat", at(path)}, state == "T" || state == "A" ? "ENOENT" : "ok");
        dirs.expect_state(path, looked_up(state));
        const bool asks = state == "V" || state == "A";
        same_number(static_cast<long long>(instance.provider.records(Kind::info, path).size()), asks ? 1 : 0, "asked for");
    });
    dirs.each("2 list it", all, [&](const std::string &path, const std::string &state) {
        dirs.project(path + "\\projected");
        const std::string expected = state == "T" || state == "A" ? "ENOENT" : is_full(state) ? "" : "projected";
        if (state == "A") {
            instance.provider.remove(path);
        }
        same(dirs.list(path), expected, "names");
        dirs.expect_state(path, looked_up(state));
        if (is_full(state)) {
            check(instance.provider.trace(path, true).empty(), "the provider is not asked to list a full directory");
        } else if (state != "T" && state != "A") {
            dirs.expect_state(path + "\\projected", "V");
        }
    });
    dirs.each("2 traverse it", all, [&](const std::string &path, const std::string &state) {
        dirs.project(path + "\\projected");
        if (state == "A") {
            instance.provider.remove(path);
        }
        const bool found = state == "V" || state == "P" || state == "D";
        const Outcome outcome = dirs.run({"read", at(path + "\\projected")});
        same(outcome.text(), found ? "ok" : "ENOENT", "reading a child");
        same(outcome.value, found ? "stored" : "", "content of a child");
        dirs.expect_state(path, looked_up(state));
        if (is_full(state)) {
            check(instance.provider.trace(path + "\\projected").empty(), "a full directory's names are not asked for");
        }
    });

    for (const auto &[name, verb, value] : {std::tuple{"3 change times", "utimens", "1234567890"},
                                            std::tuple{"3 change the mode", "chmod", "700"}}) {
        dirs.each(name, all, [&, verb = verb, value = value](const std::string &path, const std::string &state) {
            dirs.expect({verb, at(path), value}, state == "T" || state == "A" ? "ENOENT" : "ok");
            dirs.expect_state(path, state == "V" || state == "P" ? "D" : state);
        });
    }
    dirs.each("3 change an extended attribute", present, [&](const std::string &path, const std::string &state) {
        dirs.expect({"setxattr", at(path), "user.colour", "red"}, "ok");
        dirs.expect_state(path, state == "V" || state == "P" ? "D" : state);
    });

    const auto dirty = [&](const std::string &path, const std::string &state) {
        dirs.expect_state(path, state == "V" || state == "P" ? "D" : state);
        same(instance.state("d"), "DP", "the directory above it");
    };
    dirs.each("4 create a child", present, [&](const std::string &path, const std::string &state) {
        dirs.expect({"create", at(path + "\\new"), "mine"}, "ok");
        dirty(path, state);
    });
    dirs.each("4 make a directory in it", present, [&](const std::string &path, const std::string &state) {
        dirs.expect({"mkdir", at(path + "\\new")}, "ok");
        dirty(path, state);
    });
    dirs.each("4 delete a child", {"V", "P", "D"}, [&](const std::string &path, const std::string &state) {
        dirs.project(path + "\\projected");
        dirs.expect({"unlink", at(path + "\\projected")}, "ok");
        dirty(path, state);
    });
    dirs.each("4 rename a child", {"V", "P", "D"}, [&](const std::string &path, const std::string &state) {
        dirs.project(path + "\\projected");
        dirs.expect({"rename", at(path + "\\projected"), at(path + "\\renamed")}, "ok");
        dirty(path, state);
    });
    dirs.each("4 move a child out of it, and into it", {"P"}, [&](const std::string &path, const std::string &) {
        dirs.project(path + "\\projected");
        const std::string other = path + "-other";
        dirs.bring(other, "P");
        dirs.expect({"rename", at(path + "\\projected"), at(other + "\\moved")}, "ok");
        dirs.expect_state(path, "D");
        dirs.expect_state(other, "D");
    });

    dirs.each("5 look up a child", {"V", "P", "D"}, [&](const std::string &path, const std::string &state) {
        dirs.project(path + "\\projected");
        dirs.expect({"lstat", at(path + "\\projected")}, "ok");
        dirs.expect_state(path, looked_up(state));
    });
    dirs.each("5 read a child", {"V", "P", "D"}, [&](const std::string &path, const std::string &state) {
        dirs.project(path + "\\projected");
        dirs.expect({"read", at(path + "\\projected")}, "ok");
        dirs.expect_state(path, looked_up(state));
    });
    dirs.each("5 change a child's times", {"V", "P", "D"}, [&](const std::string &path, const std::string &state) {
        dirs.project(path + "\\projected");
        dirs.expect({"utimens", at(path + "\\projected"), "1234567890"}, "ok");
        dirs.expect_state(path, looked_up(state));
        dirs.expect_state(path + "\\projected", "D");
    });
    dirs.each("5 write to a child", {"V", "P", "D"}, [&](const std::string &path, const std::string &state) {
        dirs.project(path + "\\projected");
        dirs.expect({"write", at(path + "\\projected"), "mine"}, "ok");
        dirs.expect_state(path, looked_up(state));
    });
    dirs.each("5 the provider places a child", {"P"}, [&](const std::string &path, const std::string &state) {
        same(instance.place(path + "\\placed", file("placed")), hr::ok, "PrjWritePlaceholderInfo");
        dirs.expect_state(path, state);
    });

    dirs.each("6 make a directory", all, [&](const std::string &path, const std::string &state) {
        if (state == "T") {
            dirs.project(path + "\\projected");
        }
        const bool made = state == "T" || state == "A";
        dirs.expect({"mkdir", at(path)}, made ? "ok" : "EEXIST");
        if (state == "V") {
            one_of(instance.state(path), {"P", "none"}, "state");
        } else {
            dirs.expect_state(path, made ? "F" : state);
        }
        // The kernel looks a name up before it makes a directory: an absent name may be asked for in each request.
        const size_t asked = instance.provider.records(Kind::info, path).size();
        check(state == "A" ? asked >= 1 : asked == (state == "V" ? 1u : 0u), "asked for " + std::to_string(asked) + " times");
        if (state == "T") {
            same(dirs.list(path), "", "what the store has beneath the name is not projected into it");
            dirs.expect({"lstat", at(path + "\\projected")}, "ENOENT");
        }
    });

    dirs.each("7 remove, not empty", present, [&](const std::string &path, const std::string &state) {
        if (is_full(state)) {
            dirs.ok({"create", at(path + "\\local"), "mine"});
        } else {
            dirs.project(path + "\\projected");
        }
        dirs.expect({"rmdir", at(path)}, "ENOTEMPTY");
        dirs.expect_state(path, looked_up(state));
        if (state == "V" || state == "P") {
            check(!instance.provider.records(Kind::start, path).empty(), "the provider is asked whether there is something");
        }
    });
    dirs.each("7 remove, absent", {"T", "A"},
              [&](const std::string &path, const std::string &) { dirs.expect({"rmdir", at(path)}, "ENOENT"); });

    dirs.each("8 remove, empty, parent a placeholder", present, [&](const std::string &path, const std::string &state) {
        dirs.expect({"rmdir", at(path)}, "ok");
        dirs.expect_gone(path, state != "F");
    });
    dirs.each("8 remove, all children deleted", {"V", "P", "D"}, [&](const std::string &path, const std::string &) {
        dirs.project(path + "\\projected");
        dirs.ok({"unlink", at(path + "\\projected")});
        dirs.expect({"rmdir", at(path)}, "ok");
        dirs.expect_gone(path, true);
    });

    dirs.each("9 remove, parent full", {"F"}, [&](const std::string &path, const std::string &) {
        dirs.ok({"mkdir", at(path + "\\inner")});
        instance.provider.clear_records();
        dirs.expect({"rmdir", at(path + "\\inner")}, "ok");
        dirs.expect({"lstat", at(path + "\\inner")}, "ENOENT");
        check(instance.provider.trace(path, true).empty(), "the provider is not asked about what is in a full directory");
        dirs.when_stopped.emplace_back(path + "\\inner", "none");
    });
    group.not_applicable("9 remove, parent full / V, T", "a full directory has neither");

    // An implementation may refuse to rename a directory that is projected, or do it and ask for what is in it under the
    // path of the store.
    bool allowed = false;
    group.test("10 rename: refused, or allowed", [&] {
        dirs.bring("d\\probe", "P");
        const Outcome outcome = dirs.run({"rename", at("d\\probe"), at("d\\probed")});
        allowed = outcome.error == 0;
        one_of(outcome.text(), {"ok", "EXDEV", "EOPNOTSUPP", "EINVAL"}, "renaming a projected directory");
        group.found(allowed ? "projected directories can be renamed" : "projected directories cannot be renamed");
    });
    dirs.each("10 rename", all, [&](const std::string &path, const std::string &state) {
        const bool projected = state == "V" || state == "P" || state == "D";
        if (projected) {
            dirs.project(path + "\\projected");
        }
        const Outcome outcome = dirs.run({"rename", at(path), at(path + "-new")});
        if (state == "T" || state == "A") {
            same(outcome.text(), "ENOENT", "result");
        } else if (projected && !allowed) {
            one_of(outcome.text(), {"EXDEV", "EOPNOTSUPP", "EINVAL"}, "result");
            dirs.expect_state(path, looked_up(state));
            dirs.expect({"lstat", at(path + "-new")}, "ENOENT");
        } else {
            same(outcome.text(), "ok", "result");
            dirs.expect_state(path + "-new", looked_up(state));
            dirs.expect_gone(path, state != "F");
            if (projected) {
                instance.provider.clear_records();
                same(dirs.list(path + "-new"), "projected", "names under the new path");
                same(dirs.run({"read", at(path + "-new\\projected")}).value, "stored", "content under the new path");
                same_number(static_cast<long long>(instance.provider.records(Kind::info, path + "\\projected").size()), 1,
                            "what is in it is asked for under the path of the store");
            }
        }
    });
    dirs.each("10 rename onto a directory that is not empty", {"F"}, [&](const std::string &path, const std::string &) {
        dirs.project(path + "-target", folder());
        dirs.project(path + "-target\\projected");
        dirs.expect({"rename", at(path), at(path + "-target")}, "ENOTEMPTY");
        dirs.expect_state(path, "F");
    });

    group.test("11 be moved in from outside (another file system on Linux: refused)", [&] {
        dirs.expect({"rename", dirs.outside, at("d\\from-outside")}, "EXDEV");
        dirs.expect_state("d\\from-outside", "A");
    });

    dirs.each("12 PrjMarkDirectoryAsPlaceholder", {"V", "P", "D", "F", "S", "A"},
              [&](const std::string &path, const std::string &state) {
                  if (is_full(state)) {
                      dirs.ok({"create", at(path + "\\local"), "mine"});
                      dirs.ok({"create", at(path + "\\both"), "mine"});
                      dirs.project(path, folder());
                      dirs.project(path + "\\projected");
                      dirs.project(path + "\\both");
                  }
                  const HRESULT result = instance.mark(path, "marked");
                  if (is_full(state)) {
                      same(result, hr::ok, "result");
                      dirs.expect_state(path, "P");
                      same(dirs.list(path), "both local projected", "names");
                      same(dirs.run({"read", at(path + "\\both")}).value, "mine", "what is on disk wins");
                      dirs.expect_state(path + "\\local", "F");
                      const auto listings = instance.provider.records(Kind::start, path);
                      check(!listings.empty() && listings[0].content_id() == "marked", "the version is the one given");
                  } else if (state == "A") {
                      same(result, hr::file_not_found, "result");
                  } else if (state == "V") {
                      one_of(result, {hr::reparse_point_encountered, hr::file_not_found}, "result");
                  } else {
                      same(result, hr::reparse_point_encountered, "result");
                      dirs.expect_state(path, state);
                  }
              });
    dirs.each("12 PrjMarkDirectoryAsPlaceholder on a file", {"P"}, [&](const std::string &path, const std::string &) {
        dirs.ok({"create", at(path + "\\local"), "mine"});
        same(instance.mark(path + "\\local", nullptr), hr::directory, "result");
    });

    const int everything = PRJ_UPDATE_ALLOW_DIRTY_METADATA | PRJ_UPDATE_ALLOW_DIRTY_DATA | PRJ_UPDATE_ALLOW_TOMBSTONE;
    dirs.each("13 PrjUpdateFileIfNeeded, empty", all, [&](const std::string &path, const std::string &state) {
        const HRESULT result = instance.update(path, folder("2"), everything);
        if (state == "V" || state == "A") {
            same(result, hr::file_not_found, "result");
            dirs.expect_state(path, state);
            return;
        }
        same(result, hr::ok, "result");
        dirs.expect_state(path, "P");
        dirs.project(path, folder("2"));
        dirs.project(path + "\\projected");
        same(dirs.list(path), "projected", "names");
        const auto listings = instance.provider.records(Kind::start, path);
        check(!listings.empty() && listings.back().content_id() == "2", "the version is the new one");
    });
    dirs.each("14 PrjUpdateFileIfNeeded, not empty", {"P", "D", "F", "S"},
              [&](const std::string &path, const std::string &state) {
                  dirs.ok({"create", at(path + "\\local"), "mine"});
                  const int flags = PRJ_UPDATE_ALLOW_DIRTY_METADATA | PRJ_UPDATE_ALLOW_DIRTY_DATA;
                  same(instance.update(path, folder("2"), flags), hr::directory_not_empty, "result");
                  dirs.expect_state(path, state == "P" ? "D" : state);
              });

    dirs.each("15 PrjDeleteFile, empty", all, [&](const std::string &path, const std::string &state) {
        const HRESULT result = instance.drop(path, everything);
        same(result, state == "V" || state == "A" ? hr::file_not_found : hr::ok, "result");
        dirs.expect_state(path, "V");
        dirs.expect({"lstat", at(path)}, state == "F" || state == "A" ? "ENOENT" : "ok");
    });
    dirs.each("15 PrjDeleteFile, only tombstones in it", {"V", "P", "D"},
              [&](const std::string &path, const std::string &) {
                  dirs.project(path + "\\projected");
                  dirs.ok({"unlink", at(path + "\\projected")});
                  PRJ_UPDATE_FAILURE_CAUSES causes = PRJ_UPDATE_FAILURE_CAUSE_NONE;
                  const HRESULT refused = instance.drop(path, PRJ_UPDATE_ALLOW_DIRTY_METADATA, &causes);
                  one_of(refused, {hr::invalid_operation, hr::directory_not_empty}, "without ALLOW_TOMBSTONE");
                  if (refused == hr::invalid_operation) {
                      same_number(causes, PRJ_UPDATE_FAILURE_CAUSE_TOMBSTONE, "cause");
                  }
                  dirs.expect({"lstat", at(path + "\\projected")}, "ENOENT");
                  same(instance.drop(path, everything), hr::ok, "with ALLOW_TOMBSTONE");
                  dirs.expect_state(path, "V");
                  same(dirs.list(path), "projected", "names when it is virtual again");
              });
    dirs.each("16 PrjDeleteFile, not empty", {"V", "P", "D", "F", "S"},
              [&](const std::string &path, const std::string &state) {
                  if (is_full(state)) {
                      dirs.ok({"create", at(path + "\\local"), "mine"});
                  } else {
                      dirs.project(path + "\\projected");
                      dirs.ok({"lstat", at(path + "\\projected")});
                  }
                  same(instance.drop(path, everything), hr::directory_not_empty, "result");
                  dirs.expect_state(path, looked_up(state));
              });

    group.test("the root is never empty, removed or updated", [&] {
        dirs.expect({"rmdir", instance.root()}, "EBUSY");
        same(instance.drop("", everything), hr::invalid_argument, "PrjDeleteFile");
        same(instance.update("", folder("2"), everything), hr::invalid_argument, "PrjUpdateFileIfNeeded");
    });
    group.test("remove a tree that is a mix of everything", [&] {
        const std::string top = "d\\mixed";
        dirs.project(top, folder());
        dirs.project(top + "\\sub", folder());
        dirs.ok({"lstat", at(top + "\\sub")});
        for (const char *state : {"V", "P", "H", "DP", "DH", "F", "L", "T"}) {
            bring_into_state(instance, dirs.application, top + "\\sub\\" + state, state);
            bring_into_state(instance, dirs.application, top + "\\" + state, state);
        }
        std::function<void(const std::string &)> remove = [&](const std::string &path) {
            for (std::string names = dirs.list(path) + " "; names.find(' ') != std::string::npos;
                 names.erase(0, names.find(' ') + 1)) {
                const std::string name = names.substr(0, names.find(' '));
                if (name.empty()) {
                    continue;
                }
                if (name == "sub") {
                    remove(path + "\\" + name);
                } else {
                    dirs.expect({"unlink", at(path + "\\" + name)}, "ok");
                }
            }
            dirs.expect({"rmdir", at(path)}, "ok");
        };
        remove(top);
        dirs.expect_gone(top, true);
    });
    group.test("what is gone is a tombstone, or nothing, once the instance is stopped", [&] {
        instance.stop();
        for (const auto &[path, state] : dirs.when_stopped) {
            same(instance.state(path), state, "state of " + path);
        }
    });
}
