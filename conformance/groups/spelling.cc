// Roots in which names do not differ by case: every operation on an item in every state, by another spelling of its name.
#include "../groups.h"

#include <algorithm>
#include <cctype>

namespace {

constexpr int everything = PRJ_UPDATE_ALLOW_DIRTY_METADATA | PRJ_UPDATE_ALLOW_DIRTY_DATA | PRJ_UPDATE_ALLOW_TOMBSTONE |
                           PRJ_UPDATE_ALLOW_READ_ONLY;

// What is on disk of an item, or can be brought there, and what is read from it then.
struct State {
    const char *name;
    const char *content;
};

constexpr State states[] = {{"V", "stored"}, {"P", "stored"}, {"DP", "stored"}, {"H", "stored"},
                            {"DH", "stored"}, {"F", "changed"}, {"L", "local"}};

// The same with every ASCII letter in the other case.
std::string otherwise(std::string path) {
    for (char &letter : path) {
        const auto byte = static_cast<unsigned char>(letter);
        letter = static_cast<char>(std::islower(byte) != 0 ? std::toupper(byte) : std::tolower(byte));
    }
    return path;
}

struct Scene {
    explicit Scene(uint32_t flags = 0) : instance("spelling") {
        instance.provider.ignore_case = true;
        instance.provider.put("Dir", folder());
        options.flags = flags;
        options.ignore_case = true;
        // Where notifications begin is a name like any other.
        options.mappings = {{otherwise("Dir"), 0x1FFE}};
        instance.start(options);
        require(application({"lstat", instance.at("Dir")}).error == 0, "a directory");
    }

    // A path that nothing had before.
    std::string fresh(const std::string &name) { return "Dir\\" + std::to_string(next_++) + "-" + name; }

    std::string in(const std::string &state) {
        const std::string made = fresh("Item-" + state);
        bring_into_state(instance, application, made, state);
        return made;
    }

    std::string read(const std::string &path) {
        const Outcome outcome = application({"read", instance.at(path)});
        return outcome.error == 0 ? outcome.value : outcome.text();
    }

    std::string does(const std::vector<std::string> &words) { return application(words).text(); }

    // How a name is listed: all spellings of it, in order.
    std::string listed(const std::string &path) {
        const size_t at = path.rfind('\\');
        const std::string wanted = path.substr(at + 1);
        const std::string all = application({"list", instance.at(path.substr(0, at))}).value + "/";
        std::vector<std::string> found;
        for (size_t from = 0; from < all.size();) {
            const size_t end = all.find('/', from);
            const std::string name = all.substr(from, end - from);
            if (PrjFileNameCompare(wide(name).c_str(), wide(wanted).c_str()) == 0) {
                found.push_back(name);
            }
            from = end + 1;
        }
        std::sort(found.begin(), found.end());
        return joined(found, " and ");
    }

    // How often the provider was asked for an item, under whatever spelling.
    long long asked(const std::string &path) {
        const std::vector<Record> records = instance.provider.records();
        return std::count_if(records.begin(), records.end(), [&](const Record &record) {
            return record.kind == Kind::info && PrjFileNameCompare(wide(record.path).c_str(), wide(path).c_str()) == 0;
        });
    }

    // The name alone.
    static std::string name(const std::string &path) { return path.substr(path.rfind('\\') + 1); }

    Instance instance;
    Application application;
    Instance::Options options;

  private:
    int next_ = 0;
};

void every_state(Group &group, Scene &scene) {
    Instance &instance = scene.instance;
    for (const State &state : states) {
        const std::string of = std::string(" / ") + state.name;
        const auto test = [&](const std::string &what, const std::function<void(const std::string &)> &body) {
            group.test(what + of, [&] { body(scene.in(state.name)); });
        };
        test("every spelling leads to it", [&](const std::string &path) {
            const std::string other = otherwise(path);
            const Outcome one = scene.application({"inode", instance.at(path)});
            same(scene.application({"inode", instance.at(other)}).value, one.value, "its number");
            same(instance.state(other), instance.state(path), "its state");
            same(scene.read(other), state.content, "its content");
            same(scene.listed(path), Scene::name(path), "listed as it is spelled, once");
        });
        test("read, known under the other spelling alone", [&](const std::string &path) {
            same(scene.read(otherwise(path)), state.content, "content");
            same(scene.listed(path), Scene::name(path), "listed");
        });
        test("write", [&](const std::string &path) {
            same(scene.does({"overwrite", instance.at(otherwise(path)), "written"}), "ok", "writing");
            same(scene.read(path), "written", "content");
            same(instance.state(path), "F", "state");
            same(scene.listed(path), Scene::name(path), "listed");
        });
        test("change times", [&](const std::string &path) {
            same(scene.does({"utimens", instance.at(otherwise(path)), "1234567890"}), "ok", "changing them");
            const std::string seen = scene.application({"lstat", instance.at(path)}).value;
            check(seen.find(" 1234567890.") != std::string::npos, "they are seen: " + seen);
        });
        test("create, which is there", [&](const std::string &path) {
            same(scene.does({"create", instance.at(otherwise(path)), "x"}), "EEXIST", "a file");
            same(scene.does({"mkdir", instance.at(otherwise(path))}), "EEXIST", "a directory");
            same(scene.read(path), state.content, "content");
        });
        test("delete, and make again", [&](const std::string &path) {
            const std::string other = otherwise(path);
            same(scene.does({"unlink", instance.at(other)}), "ok", "deleting");
            same(scene.read(path) + " " + scene.read(other), "ENOENT ENOENT", "either spelling");
            same(scene.listed(path), "", "listed");
            same(scene.does({"create", instance.at(other), "again"}), "ok", "making it again, spelled otherwise");
            same(scene.read(path) + " " + scene.read(other), "again again", "either spelling");
            same(scene.listed(path), Scene::name(other), "listed");
        });
        test("rename away", [&](const std::string &path) {
            const std::string to = scene.fresh("Renamed");
            same(scene.does({"rename", instance.at(otherwise(path)), instance.at(to)}), "ok", "renaming");
            same(scene.read(path) + " " + scene.read(otherwise(path)), "ENOENT ENOENT", "the old name");
            same(scene.read(otherwise(to)), state.content, "the new one");
            same(scene.listed(to) + scene.listed(path), Scene::name(to), "listed");
        });
        test("rename over it", [&](const std::string &path) {
            const std::string from = scene.in("L");
            same(scene.does({"rename", instance.at(from), instance.at(otherwise(path))}), "ok", "renaming");
            same(scene.read(path) + " " + scene.read(otherwise(path)), "local local", "either spelling");
            const std::string listed = scene.listed(path);
            one_of(listed, {Scene::name(path), Scene::name(otherwise(path))}, "listed once");
        });
        test("rename to another spelling of it", [&](const std::string &path) {
            same(scene.does({"rename", instance.at(path), instance.at(otherwise(path))}), "ok", "renaming");
            same(scene.read(path) + " " + scene.read(otherwise(path)), std::string(state.content) + " " + state.content,
                 "either spelling");
            const std::string listed = scene.listed(path);
            one_of(listed, {Scene::name(path), Scene::name(otherwise(path))}, "listed once");
            if (std::string(state.name) == "F") {
                group.found(std::string("a rename to another spelling ") +
                            (listed == Scene::name(path) ? "changes nothing" : "spells it anew"));
            }
        });
        test("an update", [&](const std::string &path) {
            const Entry entry = file("updated", "2");
            if (scene.instance.provider.find(path)) {
                instance.provider.put(path, entry);
            } else {
                instance.provider.put(otherwise(path), entry);
            }
            const HRESULT result = instance.update(otherwise(path), entry, everything);
            if (std::string(state.name) == "V") {
                same(result, hr::file_not_found, "there is nothing");
                return;
            }
            same(result, hr::ok, "result");
            same(scene.read(path) + " " + scene.read(otherwise(path)), "updated updated", "either spelling");
        });
        test("a deletion by the provider", [&](const std::string &path) {
            const HRESULT result = instance.drop(otherwise(path), everything);
            same(result, std::string(state.name) == "V" ? hr::file_not_found : hr::ok, "result");
            same(instance.state(path) + " " + instance.state(otherwise(path)), "none none", "state");
            const std::string left = std::string(state.name) == "L" ? "ENOENT" : "stored";
            same(scene.read(otherwise(path)), left, "what is read then");
        });
        test("a placeholder ahead of time", [&](const std::string &path) {
            const HRESULT result = instance.place(otherwise(path), file("ahead"));
            if (std::string(state.name) == "V") {
                same(result, hr::ok, "result");
                check(!scene.listed(path).empty(), "it is listed");
                return;
            }
            one_of(result, {hr::already_exists, hr::file_exists}, "result");
            same(scene.read(path), state.content, "content");
        });
    }
    group.test("look up / T", [&] {
        const std::string path = scene.in("T");
        same(scene.read(path) + " " + scene.read(otherwise(path)), "ENOENT ENOENT", "either spelling");
        same(instance.drop(otherwise(path), everything), hr::ok, "a deletion by the provider");
        same(scene.read(otherwise(path)), "stored", "what is read then");
        same(scene.listed(path), Scene::name(path), "listed");
    });
    group.test("rename over / T", [&] {
        const std::string path = scene.in("T");
        same(scene.does({"rename", instance.at(scene.in("L")), instance.at(otherwise(path))}), "ok", "renaming");
        same(scene.read(path) + " " + scene.read(otherwise(path)), "local local", "either spelling");
        check(scene.listed(path).find(" and ") == std::string::npos, "listed once: " + scene.listed(path));
    });
}

void directories(Group &group, Scene &scene) {
    Instance &instance = scene.instance;
    for (const char *state : {"V", "P", "F"}) {
        const auto test = [&, state](const std::string &what, const std::function<void(const std::string &)> &body) {
            group.test(what + " / " + state, [&] {
                const std::string path = scene.fresh("Folder");
                if (std::string(state) == "F") {
                    require(scene.does({"mkdir", instance.at(path)}) == "ok", "making " + path);
                    require(scene.does({"create", instance.at(path + "\\In"), "stored"}) == "ok", "making a file in it");
                } else {
                    instance.provider.put(path, folder());
                    instance.provider.put(path + "\\In", file("stored"));
                    if (std::string(state) == "P") {
                        require(scene.does({"lstat", instance.at(path)}) == "ok", "looking at " + path);
                    }
                }
                body(path);
            });
        };
        test("a directory on the way", [&](const std::string &path) {
            same(scene.read(otherwise(path) + "\\iN"), "stored", "content");
            same(scene.read(path + "\\In"), "stored", "content, as it is spelled");
            same(scene.application({"list", instance.at(otherwise(path))}).value, "In", "what is in it");
            same(scene.listed(path), Scene::name(path), "listed");
        });
        test("a file made in a directory", [&](const std::string &path) {
            same(scene.does({"create", instance.at(otherwise(path) + "\\New"), "x"}), "ok", "making it");
            same(scene.read(path + "\\nEW"), "x", "content");
            same(scene.does({"create", instance.at(otherwise(path) + "\\IN"), "x"}), "EEXIST", "one that is there");
        });
        test("remove a directory", [&](const std::string &path) {
            same(scene.does({"rmdir", instance.at(otherwise(path))}), "ENOTEMPTY", "with something in it");
            same(scene.does({"unlink", instance.at(otherwise(path) + "\\iN")}), "ok", "what is in it");
            same(scene.does({"rmdir", instance.at(otherwise(path))}), "ok", "empty");
            same(scene.does({"lstat", instance.at(path)}), "ENOENT", "afterwards");
        });
        if (std::string(state) == "F") {
            test("mark a directory", [&](const std::string &path) {
                instance.provider.put(path, folder());
                instance.provider.put(path + "\\Other", file("beneath"));
                same(instance.mark(otherwise(path), "1"), hr::ok, "result");
                same(scene.read(otherwise(path) + "\\OTHER"), "beneath", "what the provider has in it");
                same(scene.read(path + "\\iN"), "stored", "what was in it");
            });
        }
    }
}

void callbacks(Group &group, Scene &scene) {
    Instance &instance = scene.instance;
    group.test("callbacks name an item as it is spelled", [&] {
        const std::string path = scene.fresh("Named");
        instance.provider.put(path, file("stored"));
        same(scene.read(otherwise(path)), "stored", "content");
        check(!instance.provider.records(Kind::data, path).empty(), "its content is asked for under its own name");
        check(instance.provider.records(Kind::data, otherwise(path)).empty(), "and no other");
    });
    group.test("notifications name an item as it is spelled", [&] {
        const std::string path = scene.fresh("Told");
        instance.provider.put(path, file("stored"));
        scene.does({"overwrite", instance.at(otherwise(path)), "mine"});
        scene.does({"unlink", instance.at(otherwise(path))});
        settle(instance, scene.application);
        for (const PRJ_NOTIFICATION kind : {PRJ_NOTIFICATION_PRE_DELETE, PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_FILE_DELETED}) {
            bool told = false;
            for (const Record &record : instance.provider.records(Kind::notification, path)) {
                told = told || record.notification == kind;
            }
            check(told, show_notification(kind) + " for " + path);
        }
        check(instance.provider.records(Kind::notification, otherwise(path)).empty(), "none under another spelling");
    });
    group.test("an answer under the spelling that was asked for", [&] {
        // Such a provider makes its own spelling known by the listing alone.
        const std::string path = scene.fresh("Echoed");
        instance.provider.put(path, file("stored"));
        instance.provider.hook(Kind::info, otherwise(path), [&](Record &record) -> std::optional<HRESULT> {
            PlaceholderInfo info(file("stored"));
            return PrjWritePlaceholderInfo(record.context, wide(record.path).c_str(), info.get(), info.size());
        });
        same(scene.read(otherwise(path)), "stored", "content");
        same(scene.read(path), "stored", "content under the provider's spelling");
        instance.provider.clear_hooks();
    });
    group.test("letters that are not ASCII", [&] {
        const std::string path = scene.fresh("\u00c4rger-\u03a3-\u0416");
        const std::string other = path.substr(0, path.rfind('-', path.find("\u00c4"))) + "-\u00e4RGER-\u03c3-\u0436";
        instance.provider.put(path, file("stored"));
        same(scene.read(other), "stored", "content under " + other);
        same(scene.listed(path), Scene::name(path), "listed");
        const std::string street = scene.fresh("Stra\u00dfe");
        instance.provider.put(street, file("stored"));
        same(scene.read(street.substr(0, street.find("Stra")) + "STRASSE"), "ENOENT", "a letter is no two letters");
        same(scene.read(street), "stored", "content");
    });
    group.test("what was done is there after a restart", [&] {
        const std::string deleted = scene.in("T");
        const std::string changed = scene.in("F");
        const std::string placeholder = scene.in("P");
        const std::string made = scene.in("L");
        instance.stop();
        instance.start(scene.options);
        same(scene.read(otherwise(deleted)), "ENOENT", "deleted");
        same(scene.read(otherwise(changed)), "changed", "changed");
        same(scene.read(otherwise(placeholder)), "stored", "a placeholder");
        same(scene.read(otherwise(made)), "local", "made here");
        for (const std::string &path : {changed, placeholder, made}) {
            same(scene.listed(path), Scene::name(path), "listed");
        }
    });
    group.test("an absent name is asked for each time, and once", [&] {
        const std::string path = scene.fresh("Absent");
        for (const std::string &name : {path, otherwise(path), path}) {
            const long long before = scene.asked(name);
            same(scene.read(name), "ENOENT", "reading " + name);
            same_number(scene.asked(name) - before, 1, "asked for " + name);
        }
    });
    group.test("the negative path cache remembers names, and forgets them all", [&] {
        Scene caching(PRJ_FLAG_USE_NEGATIVE_PATH_CACHE);
        const std::string path = caching.fresh("Later");
        for (int i = 0; i < 3; i++) {
            same(caching.read(path), "ENOENT", "absent");
        }
        same_number(caching.asked(path), 1, "asked for");
        caching.read(otherwise(path));
        caching.instance.provider.put(path, file("stored"));
        UINT32 cleared = 0;
        same(PrjClearNegativePathCache(caching.instance.context(), &cleared), hr::ok, "clearing");
        check(cleared >= 1, "something was cleared");
        same(caching.read(otherwise(path)), "stored", "then");
        same(caching.read(path), "stored", "and as it is spelled");
    });
}

}  // namespace

void spelling(Group &group) {
    Scene scene;
    every_state(group, scene);
    directories(group, scene);
    callbacks(group, scene);
    group.test("sessions were used as they must be", [&] {
        check(scene.instance.provider.wait([&] { return scene.instance.provider.open_sessions() == 0; }), "every session ended");
        for (const std::string &fault : scene.instance.provider.session_faults()) {
            fail(fault);
        }
    });
}
