// What each operation does to a file in each state: its state afterwards, what the application is told, and what the
// provider is asked.
#include "../groups.h"

#include <csignal>
#include <filesystem>
#include <map>

namespace {

// What a cell of the table says: results, states and questions that are right, with "|" between alternatives.
struct Cell {
    std::string result;
    std::string state;
    std::string asked;
};

struct Row {
    std::string name;
    std::function<Outcome(const std::string &path)> operation;
    std::map<std::string, Cell> cells;
    // What else must hold afterwards.
    std::function<void(const std::string &path, const std::string &state)> after = {};
};

const std::vector<std::string> columns = {"V", "P", "H", "DP", "DH", "F", "L", "T", "A"};

std::vector<std::string> alternatives(const std::string &text) {
    std::vector<std::string> all;
    size_t from = 0;
    for (;;) {
        const size_t bar = text.find('|', from);
        all.push_back(text.substr(from, bar == std::string::npos ? bar : bar - from));
        if (bar == std::string::npos) {
            return all;
        }
        from = bar + 1;
    }
}

class Table {
  public:
    explicit Table(Group &group) : group_(group), instance_("files") {
        instance_.provider.put("d", folder());
        Instance::Options options;
        options.mappings = {{"", PRJ_NOTIFY_FILE_PRE_CONVERT_TO_FULL}};
        instance_.start(options);
        require(application_({"lstat", instance_.at("d")}).error == 0, "the directory is there");
        outside_ = fresh_directory("outside");
    }

    ~Table() {
        std::error_code ignored;
        std::filesystem::remove_all(outside_, ignored);
    }

    void run(const Row &row) {
        for (const std::string &column : columns) {
            const auto cell = row.cells.find(column);
            if (cell == row.cells.end()) {
                continue;
            }
            const std::string name = row.name + " / " + column;
            if (cell->second.result.starts_with("- ")) {
                group_.not_applicable(name, cell->second.result.substr(2));
                continue;
            }
            group_.test(name, [&] {
                const std::string path = next_path(column);
                bring_into_state(instance_, application_, path, column);
                instance_.provider.clear_records();
                const Outcome outcome = row.operation(path);
                one_of(outcome.text(), alternatives(cell->second.result), "result");
                const std::string asked = questions(path);
                one_of(asked, alternatives(cell->second.asked), "asked of the provider");
                one_of(instance_.state(path), alternatives(cell->second.state), "state afterwards");
                if (row.after) {
                    row.after(path, column);
                }
            });
        }
    }

    // Calls whose result is an HRESULT.
    void run_calls(const std::string &name, const std::function<HRESULT(const std::string &)> &call,
                   const std::map<std::string, std::pair<std::vector<HRESULT>, std::string>> &cells,
                   const std::function<void(const std::string &path, const std::string &state)> &after = {}) {
        for (const std::string &column : columns) {
            const auto cell = cells.find(column);
            if (cell == cells.end()) {
                continue;
            }
            group_.test(name + " / " + column, [&] {
                const std::string path = next_path(column);
                bring_into_state(instance_, application_, path, column);
                instance_.provider.clear_records();
                one_of(call(path), cell->second.first, "result");
                same(questions(path), "", "asked of the provider");
                one_of(instance_.state(path), alternatives(cell->second.second), "state afterwards");
                if (after) {
                    after(path, column);
                }
            });
        }
    }

    // Whether a name that is gone was left a tombstone: the provider is not asked about it.
    void expect_gone(const std::string &path, bool tombstone) {
        instance_.provider.clear_records();
        same(application_({"lstat", instance_.at(path)}).text(), "ENOENT", path + " is gone");
        same(questions(path), tombstone ? "" : "info", tombstone ? "a tombstone hides it" : "nothing hides it");
        states_when_stopped_.emplace_back(path, tombstone ? "T" : "none");
    }

    void expect_content(const std::string &path, const std::string &content) {
        const Outcome outcome = application_({"read", instance_.at(path)});
        same(outcome.text(), "ok", "reading " + path);
        same(outcome.value, content, "content of " + path);
    }

    // Stops, and checks what was to be checked then.
    void finish() {
        group_.found("an absent name is asked for at most " + std::to_string(most_questions_) + " times by one operation");
        group_.test("19 what is gone is a tombstone, or nothing, once the instance is stopped", [&] {
            require(!states_when_stopped_.empty() || !settings.only_case.empty(), "no states to check");
            instance_.stop();
            for (const auto &[path, state] : states_when_stopped_) {
                same(instance_.state(path), state, "state of " + path);
            }
        });
    }

    // Creating takes two requests of a Linux kernel, which looks a name up and then creates it: without a negative path
    // cache an absent name may be asked for in each. That counts as once here; how often it is is printed in the end.
    std::string questions(const std::string &path) {
        std::vector<std::string> words;
        const bool absent = !instance_.provider.find(path);
        size_t times = 0;
        for (const Record &record : instance_.provider.records()) {
            if (record.path != path) {
                continue;
            }
            switch (record.kind) {
                case Kind::info:
                    most_questions_ = std::max(most_questions_, ++times);
                    if (!absent || words.empty() || words.back() != "info") {
                        words.push_back("info");
                    }
                    break;
                case Kind::data: words.push_back("data"); break;
                case Kind::query: words.push_back("query"); break;
                case Kind::notification: words.push_back("pre"); break;
                default: break;
            }
        }
        return joined(words, " ");
    }

    std::string next_path(const std::string &column) {
        return "d\\" + std::to_string(next_++) + "-" + column;
    }

    Group &group_;
    Instance instance_;
    Application application_;
    std::string outside_;
    std::vector<std::pair<std::string, std::string>> states_when_stopped_;
    int next_ = 0;
    size_t most_questions_ = 0;
};

// A cell for each of some columns.
std::map<std::string, Cell> cells(std::initializer_list<std::pair<const char *, Cell>> of) {
    std::map<std::string, Cell> result;
    for (const auto &[names, cell] : of) {
        for (const std::string &name : alternatives(names)) {
            result[name] = cell;
        }
    }
    return result;
}

}  // namespace

void file_transitions(Group &group) {
    Table table(group);
    Instance &instance = table.instance_;
    Application &application = table.application_;
    const auto does = [&](std::vector<std::string> words) {
        return [&, words](const std::string &path) {
            std::vector<std::string> said;
            for (const std::string &word : words) {
                said.push_back(word == "@" ? instance.at(path) : word);
            }
            return application(said);
        };
    };

    table.run({"1 list the parent",
               [&](const std::string &path) {
                   const Outcome outcome = application({"list", instance.at("d")});
                   const bool shown = ("/" + outcome.value + "/").find("/" + path.substr(2) + "/") != std::string::npos;
                   return outcome.error != 0 ? outcome : Outcome{shown ? 0 : ENOENT, ""};
               },
               cells({{"V", {"ok", "none", ""}},
                      {"P", {"ok", "P", ""}},
                      {"H", {"ok", "H", ""}},
                      {"DP", {"ok", "DP", ""}},
                      {"DH", {"ok", "DH", ""}},
                      {"F|L", {"ok", "F", ""}},
                      {"T|A", {"ENOENT", "none", ""}}})});

    const auto looked_up = cells({{"V", {"ok", "P", "info"}},
                                  {"P", {"ok", "P", ""}},
                                  {"H", {"ok", "H", ""}},
                                  {"DP", {"ok", "DP", ""}},
                                  {"DH", {"ok", "DH", ""}},
                                  {"F|L", {"ok", "F", ""}},
                                  {"T", {"ENOENT", "none", ""}},
                                  {"A", {"ENOENT", "none", "info"}}});
    table.run({"2 query attributes", does({"lstat", "@"}), looked_up});
    table.run({"2 open without access to data", does({"touch", "r+path", "@"}), looked_up});
    // An implementation may fetch when a file is opened for reading, or when it is read.
    table.run({"2 open for reading, read nothing", does({"touch", "r", "@"}),
               cells({{"V", {"ok", "P|H", "info|info data"}},
                      {"P", {"ok", "P|H", "|data"}},
                      {"H", {"ok", "H", ""}},
                      {"DP", {"ok", "DP|DH", "|data"}},
                      {"DH", {"ok", "DH", ""}},
                      {"F|L", {"ok", "F", ""}},
                      {"T", {"ENOENT", "none", ""}},
                      {"A", {"ENOENT", "none", "info"}}})});

    const auto read = cells({{"V", {"ok", "H", "info data"}},
                             {"P", {"ok", "H", "data"}},
                             {"H", {"ok", "H", ""}},
                             {"DP", {"ok", "DH", "data"}},
                             {"DH", {"ok", "DH", ""}},
                             {"F|L", {"ok", "F", ""}},
                             {"T", {"ENOENT", "none", ""}},
                             {"A", {"ENOENT", "none", "info"}}});
    table.run({"3 read", does({"read", "@"}), read});
    table.run({"3 map and read", does({"mapread", "@", "4"}), read});

    const auto dirtied = cells({{"V", {"ok", "DP", "info"}},
                                {"P", {"ok", "DP", ""}},
                                {"H", {"ok", "DH", ""}},
                                {"DP", {"ok", "DP", ""}},
                                {"DH", {"ok", "DH", ""}},
                                {"F|L", {"ok", "F", ""}},
                                {"T", {"ENOENT", "none", ""}},
                                {"A", {"ENOENT", "none", "info"}}});
    table.run({"4 change times", does({"utimens", "@", "1234567890"}), dirtied});
    table.run({"4 change the mode", does({"chmod", "@", "600"}), dirtied});
    table.run({"4 change an extended attribute", does({"setxattr", "@", "user.colour", "red"}), dirtied});

    const auto converted = cells({{"V", {"ok", "F", "info pre data"}},
                                  {"P", {"ok", "F", "pre data"}},
                                  {"H", {"ok", "F", "pre"}},
                                  {"DP", {"ok", "F", "pre data"}},
                                  {"DH", {"ok", "F", "pre"}},
                                  {"F|L", {"ok", "F", ""}},
                                  {"T", {"ENOENT", "none", ""}},
                                  {"A", {"ENOENT", "none", "info"}}});
    const auto kept = [&](const std::string &path, const std::string &state) {
        if (state != "F" && state != "L" && state != "T" && state != "A") {
            table.expect_content(path, "stored");
        }
    };
    table.run({"5 open for writing, write nothing", does({"touch", "w", "@"}), converted, kept});
    table.run({"5 open for writing, write", does({"write", "@", "S"}), converted,
               [&](const std::string &path, const std::string &state) {
                   if (state == "V" || state == "P" || state == "H" || state == "DP" || state == "DH") {
                       table.expect_content(path, "Stored");
                   }
               }});
    table.run({"5 append", does({"append", "@", "+"}), converted,
               [&](const std::string &path, const std::string &state) {
                   if (state == "V" || state == "P" || state == "H" || state == "DP" || state == "DH") {
                       table.expect_content(path, "stored+");
                   }
               }});
    table.run({"5 map for writing, write", does({"mapwrite", "@", "S"}), converted});

    const auto dropped = cells({{"V", {"ok", "F", "info pre"}},
                                {"P|H|DP|DH", {"ok", "F", "pre"}},
                                {"F|L", {"ok", "F", ""}},
                                {"T", {"ENOENT", "none", ""}},
                                {"A", {"ENOENT", "none", "info"}}});
    table.run({"6 open and truncate", does({"overwrite", "@", "new"}), dropped});
    table.run({"6 truncate to nothing", does({"truncate", "@", "0"}), dropped});
    table.run({"7 truncate to a part", does({"truncate", "@", "3"}), converted,
               [&](const std::string &path, const std::string &state) {
                   if (state == "V" || state == "P" || state == "H" || state == "DP" || state == "DH") {
                       table.expect_content(path, "sto");
                   }
               }});

    table.run({"8 create exclusively", does({"create", "@", "mine"}),
               cells({{"V", {"EEXIST", "P|none", "info"}},
                      {"P", {"EEXIST", "P", ""}},
                      {"H", {"EEXIST", "H", ""}},
                      {"DP", {"EEXIST", "DP", ""}},
                      {"DH", {"EEXIST", "DH", ""}},
                      {"F|L", {"EEXIST", "F", ""}},
                      {"T", {"ok", "F", ""}},
                      {"A", {"ok", "F", "info"}}})});
    auto opened_or_created = converted;
    opened_or_created["T"] = {"ok", "F", ""};
    opened_or_created["A"] = {"ok", "F", "info"};
    table.run({"9 open or create, for writing", does({"touch", "rw+creat", "@"}), opened_or_created, kept});
    table.run({"9 open or create, for reading", does({"touch", "r+creat", "@"}),
               cells({{"V", {"ok", "P|H", "info|info data"}},
                      {"P", {"ok", "P|H", "|data"}},
                      {"H", {"ok", "H", ""}},
                      {"DP", {"ok", "DP|DH", "|data"}},
                      {"DH", {"ok", "DH", ""}},
                      {"F|L", {"ok", "F", ""}},
                      {"T", {"ok", "F", ""}},
                      {"A", {"ok", "F", "info"}}})});

    table.run({"10 delete, parent a placeholder", does({"unlink", "@"}),
               cells({{"V", {"ok", "none", "info"}},
                      {"P|H|DP|DH", {"ok", "none", ""}},
                      {"F|L", {"ok", "none", "query"}},
                      {"T", {"ENOENT", "none", ""}},
                      {"A", {"ENOENT", "none", "info"}}}),
               [&](const std::string &path, const std::string &state) {
                   table.expect_gone(path, state != "L" && state != "A");
               }});

    // A placeholder gets into a full directory by being moved there.
    const std::string full = "d\\full";
    group.test("11 a directory to move into", [&] {
        same(application({"mkdir", instance.at(full)}).text(), "ok", "mkdir");
        same(instance.state(full), "F", "state");
    });
    table.run({"11 delete, parent full",
               [&](const std::string &path) {
                   const std::string moved = full + path.substr(1);
                   const Outcome outcome = application({"rename", instance.at(path), instance.at(moved)});
                   if (outcome.error != 0) {
                       return outcome;
                   }
                   check(instance.state(moved) != "none", "it is there before it is deleted");
                   instance.provider.clear_records();
                   return application({"unlink", instance.at(moved)});
               },
               cells({{"V", {"- a full directory has no virtual items", "", ""}},
                      {"P|H|DP|DH|F|L", {"ok", "none", ""}},
                      {"T", {"- a full directory has no tombstones", "", ""}},
                      {"A", {"ENOENT", "none", "info"}}}),
               [&](const std::string &path, const std::string &) {
                   instance.provider.clear_records();
                   same(application({"lstat", instance.at(full + path.substr(1))}).text(), "ENOENT", "it is gone");
                   same(table.questions(full + path.substr(1)), "", "asked of the provider in a full directory");
                   table.states_when_stopped_.emplace_back(full + path.substr(1), "none");
               }});

    const auto renamed = [&](const std::string &path, const std::string &state) {
        const std::string target = path + "-new";
        if (state == "T" || state == "A") {
            return;
        }
        same(instance.state(target), state == "V" ? "P" : state == "L" ? "F" : state, "state of the target");
        table.expect_gone(path, state != "L");
        instance.provider.clear_records();
        table.expect_content(target, state == "F" ? "changed" : state == "L" ? "local" : "stored");
        const bool fetched = state == "V" || state == "P" || state == "DP";
        same(table.questions(path), fetched ? "data" : "", "content is asked for under the path of the store");
        table.states_when_stopped_.emplace_back(target, state == "V" || state == "P" || state == "H" ? "H"
                                                        : state == "DP" || state == "DH"              ? "DH"
                                                                                                      : "F");
    };
    table.run({"12 rename inside",
               [&](const std::string &path) {
                   return application({"rename", instance.at(path), instance.at(path + "-new")});
               },
               cells({{"V", {"ok", "none", "info"}},
                      {"P|H|DP|DH", {"ok", "none", ""}},
                      {"F|L", {"ok", "none", "query"}},
                      {"T", {"ENOENT", "none", ""}},
                      {"A", {"ENOENT", "none", "info"}}}),
               renamed});
    table.run({"12 rename inside and back",
               [&](const std::string &path) {
                   const Outcome outcome = application({"rename", instance.at(path), instance.at(path + "-away")});
                   if (outcome.error != 0) {
                       return outcome;
                   }
                   return application({"rename", instance.at(path + "-away"), instance.at(path)});
               },
               cells({{"V", {"ok", "P", "info"}},
                      {"P", {"ok", "P", ""}},
                      {"H", {"ok", "H", ""}},
                      {"DP", {"ok", "DP", ""}},
                      {"DH", {"ok", "DH", ""}},
                      {"F", {"ok", "F", "query"}},
                      {"L", {"ok", "F", "query|query info"}}})});

    const std::string outside = table.outside_ + "/moved";
    table.run({"13 rename out of the root (another file system on Linux: refused)",
               [&](const std::string &path) { return application({"rename", instance.at(path), outside}); },
               cells({{"V", {"EXDEV", "P|none", "info|"}},
                      {"P", {"EXDEV", "P", ""}},
                      {"H", {"EXDEV", "H", ""}},
                      {"DP", {"EXDEV", "DP", ""}},
                      {"DH", {"EXDEV", "DH", ""}},
                      {"F|L", {"EXDEV", "F", ""}},
                      {"T|A", {"ENOENT|EXDEV", "none", "|info"}}})});

    table.run({"14 be replaced by a local file",
               [&](const std::string &path) {
                   const std::string source = instance.at(path + "-source");
                   require(application({"create", source, "mover"}).error == 0, "create the source");
                   return application({"rename", source, instance.at(path)});
               },
               cells({{"V", {"ok", "F", "info|"}},
                      {"P|H|DP|DH|F|L|T", {"ok", "F", "|query"}},
                      {"A", {"ok", "F", "info"}}}),
               [&](const std::string &path, const std::string &) {
                   table.expect_content(path, "mover");
                   table.expect_gone(path + "-source", false);
                   table.states_when_stopped_.emplace_back(path, "F");
               }});
    table.run({"14 be replaced by a placeholder",
               [&](const std::string &path) {
                   const std::string source = path + "-source";
                   bring_into_state(instance, application, source, "P", file("of the source"));
                   return application({"rename", instance.at(source), instance.at(path)});
               },
               cells({{"V", {"ok", "P", "info|"}},
                      {"P|H|DP|DH|F|L|T", {"ok", "P", "|query"}},
                      {"A", {"ok", "P", "info"}}}),
               [&](const std::string &path, const std::string &) {
                   table.expect_gone(path + "-source", true);
                   table.expect_content(path, "of the source");
                   same(instance.state(path), "H", "state after reading");
               }});
    table.run({"14 not be replaced if told so",
               [&](const std::string &path) {
                   const std::string source = instance.at(path + "-source");
                   require(application({"create", source, "mover"}).error == 0, "create the source");
                   return application({"rename_noreplace", source, instance.at(path)});
               },
               cells({{"V", {"EEXIST", "P|none", "info"}},
                      {"P", {"EEXIST", "P", ""}},
                      {"H", {"EEXIST", "H", ""}},
                      {"DP", {"EEXIST", "DP", ""}},
                      {"DH", {"EEXIST", "DH", ""}},
                      {"F|L", {"EEXIST", "F", ""}},
                      {"T", {"ok", "F", ""}},
                      {"A", {"ok", "F", "info"}}})});

    // Linking may fetch: two names on disk share one file.
    table.run({"15 gain a hard link",
               [&](const std::string &path) {
                   return application({"link", instance.at(path), instance.at(path + "-link")});
               },
               cells({{"V", {"ok", "P|H", "info|info data"}},
                      {"P", {"ok", "P|H", "|data"}},
                      {"H", {"ok", "H", ""}},
                      {"DP", {"ok", "DP|DH", "|data"}},
                      {"DH", {"ok", "DH", ""}},
                      {"F|L", {"ok", "F", ""}},
                      {"T", {"ENOENT", "none", ""}},
                      {"A", {"ENOENT", "none", "info"}}}),
               [&](const std::string &path, const std::string &state) {
                   if (state == "T" || state == "A") {
                       return;
                   }
                   same(application({"links", instance.at(path)}).value, "2", "count of names");
                   same(application({"inode", instance.at(path)}).value,
                         application({"inode", instance.at(path + "-link")}).value, "one file under both names");
                   same(instance.state(path + "-link"), instance.state(path), "state under the new name");
                   table.expect_content(path + "-link", state == "F" ? "changed" : state == "L" ? "local" : "stored");
               }});

    const std::vector<HRESULT> exists = {hr::already_exists, hr::file_exists};
    table.run_calls("16 PrjWritePlaceholderInfo",
                    [&](const std::string &path) { return instance.place(path, file("placed", "2")); },
                    {{"V", {{hr::ok}, "P"}},
                     {"P", {exists, "P"}},
                     {"H", {exists, "H"}},
                     {"DP", {exists, "DP"}},
                     {"DH", {exists, "DH"}},
                     {"F", {exists, "F"}},
                     {"L", {exists, "F"}},
                     {"T", {exists, "none"}},
                     {"A", {{hr::ok}, "P"}}},
                    [&](const std::string &path, const std::string &state) {
                        if (state == "V" || state == "A") {
                            instance.provider.put(path, file("placed", "2"));
                            table.expect_content(path, "placed");
                            same(table.questions(path), "data", "asked of the provider for what is placed");
                        } else if (state == "T") {
                            table.expect_gone(path, true);
                        }
                    });
    const int everything = PRJ_UPDATE_ALLOW_DIRTY_METADATA | PRJ_UPDATE_ALLOW_DIRTY_DATA | PRJ_UPDATE_ALLOW_TOMBSTONE;
    table.run_calls("17 PrjUpdateFileIfNeeded",
                    [&](const std::string &path) {
                        return instance.update(path, file("of the new view", "2"), everything);
                    },
                    {{"V", {{hr::file_not_found}, "none"}},
                     {"P", {{hr::ok}, "P"}},
                     {"H", {{hr::ok}, "P"}},
                     {"DP", {{hr::ok}, "P"}},
                     {"DH", {{hr::ok}, "P"}},
                     {"F", {{hr::ok}, "P"}},
                     {"L", {{hr::ok}, "P"}},
                     {"T", {{hr::ok}, "P"}},
                     {"A", {{hr::file_not_found}, "none"}}},
                    [&](const std::string &path, const std::string &state) {
                        if (state != "V" && state != "A") {
                            instance.provider.put(path, file("of the new view", "2"));
                            table.expect_content(path, "of the new view");
                            same(instance.state(path), "H", "state after reading");
                        }
                    });
    table.run_calls("18 PrjDeleteFile, the store has it",
                    [&](const std::string &path) {
                        instance.provider.put(path, file("of the new view", "2"));
                        return instance.drop(path, everything);
                    },
                    {{"V", {{hr::file_not_found}, "none"}},
                     {"P", {{hr::ok}, "none"}},
                     {"H", {{hr::ok}, "none"}},
                     {"DP", {{hr::ok}, "none"}},
                     {"DH", {{hr::ok}, "none"}},
                     {"F", {{hr::ok}, "none"}},
                     {"L", {{hr::ok}, "none"}},
                     {"T", {{hr::ok}, "none"}}},
                    [&](const std::string &path, const std::string &) {
                        table.expect_content(path, "of the new view");
                        same(table.questions(path), "info data", "it is virtual again, and asked for");
                    });
    table.run_calls("18 PrjDeleteFile, the store does not have it",
                    [&](const std::string &path) {
                        instance.provider.remove(path);
                        return instance.drop(path, everything);
                    },
                    {{"P", {{hr::ok}, "none"}},
                     {"H", {{hr::ok}, "none"}},
                     {"DP", {{hr::ok}, "none"}},
                     {"DH", {{hr::ok}, "none"}},
                     {"F", {{hr::ok}, "none"}},
                     {"L", {{hr::ok}, "none"}},
                     {"T", {{hr::ok}, "none"}},
                     {"A", {{hr::file_not_found}, "none"}}},
                    [&](const std::string &path, const std::string &) { table.expect_gone(path, false); });

    const auto fails_to_hydrate = [&](const std::string &path) {
        instance.provider.hook(Kind::data, path, [](Record &) { return hr::access_denied; });
        return application({"read", instance.at(path)});
    };
    const auto then_hydrates = [&](const std::string &path, const std::string &) {
        instance.provider.clear_hooks();
        table.expect_content(path, "stored");
        check(instance.state(path) == "H" || instance.state(path) == "DH", "the next access asks again");
    };
    table.run({"20 hydration fails", fails_to_hydrate,
               cells({{"V", {"EACCES", "P", "info data"}},
                      {"P", {"EACCES", "P", "data"}},
                      {"H", {"- its content is there", "", ""}},
                      {"DP", {"EACCES", "DP", "data"}},
                      {"DH", {"- its content is there", "", ""}},
                      {"F|L", {"- its content is there", "", ""}},
                      {"T|A", {"- there is nothing to hydrate", "", ""}}}),
               then_hydrates});
    table.run({"20 hydration is cancelled",
               [&](const std::string &path) {
                   std::optional<Record> pended;
                   std::mutex lock;
                   instance.provider.hook(Kind::data, path, [&](Record &record) {
                       const std::lock_guard guard(lock);
                       pended = record;
                       return hr::io_pending;
                   });
                   {
                       Application killed;
                       killed.begin({"read", instance.at(path)});
                       require(instance.provider.wait_for(Kind::data, path), "the provider is asked for content");
                       killed.signal(SIGKILL);
                       check(killed.gone(), "the application can be killed");
                   }
                   check(instance.provider.wait([&] {
                       for (const Record &record : instance.provider.records()) {
                           if (record.kind == Kind::cancel) {
                               return true;
                           }
                       }
                       return false;
                   }),
                         "a cancellation comes");
                   const std::lock_guard guard(lock);
                   same(instance.complete(*pended, hr::ok), hr::ok, "completing what was cancelled");
                   return Outcome{};
               },
               cells({{"V", {"ok", "P", "info data"}},
                      {"P", {"ok", "P", "data"}},
                      {"DP", {"ok", "DP", "data"}}}),
               then_hydrates});

    table.run({"21 be renamed from outside (another file system on Linux: refused)",
               [&](const std::string &path) {
                   const std::string source = table.outside_ + "/source";
                   require(application({"touch", "w+creat", source}).error == 0, "create the source");
                   return application({"rename", source, instance.at(path)});
               },
               cells({{"V|P|H|DP|DH|F|L", {"- the name is taken", "", ""}},
                      {"T", {"EXDEV", "none", ""}},
                      {"A", {"EXDEV", "none", "|info"}}})});
    table.run({"21 be linked from outside (another file system on Linux: refused)",
               [&](const std::string &path) {
                   return application({"link", table.outside_ + "/source", instance.at(path)});
               },
               cells({{"T", {"EXDEV", "none", ""}}, {"A", {"EXDEV", "none", "|info"}}})});
    table.run({"21 be copied from outside", does({"create", "@", "copy"}),
               cells({{"T", {"ok", "F", ""}}, {"A", {"ok", "F", "info"}}})});

    group.test("3 a file of no size has no content to fetch", [&] {
        instance.provider.put("d\\empty", file(""));
        table.expect_content("d\\empty", "");
        same(table.questions("d\\empty"), "info", "asked of the provider");
        one_of(instance.state("d\\empty"), {"P", "H"}, "state");
    });
    group.test("the documentation's own sequence of states", [&] {
        const std::string path = "d\\foo.txt";
        const std::string at = instance.at(path);
        instance.provider.put(path, file("stored"));
        application({"list", instance.at("d")});
        same(instance.state(path), "none", "listed");
        application({"lstat", at});
        same(instance.state(path), "P", "looked up");
        application({"read", at});
        same(instance.state(path), "H", "read");
        application({"utimens", at, "1000000000"});
        same(instance.state(path), "DH", "times set");
        application({"touch", "w", at});
        same(instance.state(path), "F", "opened for writing");
        application({"unlink", at});
        same(instance.state(path), "none", "deleted");
        same(application({"read", at}).text(), "ENOENT", "opening what is deleted");
        table.states_when_stopped_.emplace_back(path, "T");
    });
    table.finish();

    group.test("19 each state outlives a stop, a start, and a stop", [&] {
        Instance other("restart");
        other.provider.put("d", folder());
        other.start();
        Application user;
        const std::vector<std::string> states = {"P", "H", "DP", "DH", "F", "L", "T", "A"};
        for (const std::string &state : states) {
            bring_into_state(other, user, "d\\" + state, state);
        }
        for (int round = 0; round < 2; round++) {
            other.stop();
            for (const std::string &state : states) {
                const std::string stopped = state == "L" ? "F" : state == "A" ? "none" : state;
                same(other.state("d\\" + state), stopped, "stopped: state of " + state);
            }
            other.start();
            for (const std::string &state : states) {
                const std::string running = state == "L" ? "F" : state == "A" || state == "T" ? "none" : state;
                same(other.state("d\\" + state), running, "started again: state of " + state);
            }
        }
        same(user({"list", other.at("d")}).error, 0, "listing after a restart");
        same(user({"read", other.at("d\\T")}).text(), "ENOENT", "the tombstone hides");
        same(user({"read", other.at("d\\P")}).value, "stored", "content of the placeholder");
        same(user({"read", other.at("d\\F")}).value, "changed", "content of the full file");
        other.stop();
    });
}
