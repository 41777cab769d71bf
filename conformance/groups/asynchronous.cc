// Callbacks that answer later, completions that are wrong, cancellation, and what is pended at a stop.
#include "../groups.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <deque>
#include <map>
#include <random>
#include <thread>
#include <unistd.h>

namespace {

constexpr uint32_t all = 0x1FFE;

// What answered \"pending\", to be completed.
class Pended {
  public:
    Pended(Provider &provider, Kind kind, const std::string &path, uint32_t notification = 0) : provider_(provider) {
        provider.hook(kind, path, [shared = shared_, notification](Record &record) -> std::optional<HRESULT> {
            if (notification != 0 && static_cast<uint32_t>(record.notification) != notification) {
                return std::nullopt;
            }
            const std::lock_guard guard(shared->lock);
            if (shared->closed) {
                return std::nullopt;
            }
            shared->records.push_back(record);
            return hr::io_pending;
        });
    }
    ~Pended() { close(); }
    // Nothing is pended from now on.
    void close() {
        const std::lock_guard guard(shared_->lock);
        shared_->closed = true;
    }

    Record next() {
        Record record;
        const bool came = provider_.wait([&] {
            const std::lock_guard guard(shared_->lock);
            if (shared_->records.empty()) {
                return false;
            }
            record = shared_->records.front();
            shared_->records.pop_front();
            return true;
        });
        require(came, "a callback that is pended");
        return record;
    }

  private:
    struct Shared {
        std::mutex lock;
        std::deque<Record> records;
        bool closed = false;
    };
    Provider &provider_;
    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

struct Scene {
    explicit Scene(bool cancel = true, uint32_t pool = 0) : instance("async") {
        Instance::Options options;
        options.mappings = {{"", all}};
        options.cancel = cancel;
        options.pool = pool;
        options.concurrent = pool;
        instance.provider.put("d", folder());
        instance.start(options);
        require(application({"lstat", instance.at("d")}).error == 0, "the directory is there");
    }

    std::string path() { return "d\\" + std::to_string(next_++); }

    std::string in(const std::string &state) {
        const std::string made = path();
        bring_into_state(instance, application, made, state);
        return made;
    }

    bool cancelled(const Record &record) {
        return instance.provider.wait([&] {
            for (const Record &seen : instance.provider.records()) {
                if (seen.kind == Kind::cancel && seen.command == record.command) {
                    return true;
                }
            }
            return false;
        });
    }

    // Answers as the provider would have.
    HRESULT answer(const Record &record) {
        HRESULT result = hr::ok;
        switch (record.kind) {
            case Kind::info: result = instance.provider.answer_info(record); break;
            case Kind::data: result = instance.provider.answer_data(record); break;
            case Kind::get: result = instance.provider.answer_entries(record); break;
            case Kind::query: result = instance.provider.answer_query(record); break;
            default: break;
        }
        return instance.complete(record, result);
    }

    Instance instance;
    Application application;

  private:
    int next_ = 0;
};

// What makes a callback of each kind come.
struct Trigger {
    const char *name;
    Kind kind;
    uint32_t notification;
    const char *state;       // of the item
    const char *verb;
    bool can_fail;           // a failure reaches the application
    bool is_directory;
};

const Trigger triggers[] = {
    {"get-placeholder-info", Kind::info, 0, "V", "lstat", true, false},
    {"get-file-data", Kind::data, 0, "P", "read", true, false},
    {"start", Kind::start, 0, "V", "list", true, true},
    {"get", Kind::get, 0, "V", "list", true, true},
    {"query", Kind::query, 0, "F", "unlink", false, false},
    {"FILE_OPENED", Kind::notification, PRJ_NOTIFICATION_FILE_OPENED, "H", "read", true, false},
    {"NEW_FILE_CREATED", Kind::notification, PRJ_NOTIFICATION_NEW_FILE_CREATED, "A", "mkdir", false, false},
    {"FILE_OVERWRITTEN", Kind::notification, PRJ_NOTIFICATION_FILE_OVERWRITTEN, "F", "overwrite", false, false},
    {"PRE_DELETE", Kind::notification, PRJ_NOTIFICATION_PRE_DELETE, "P", "unlink", true, false},
    {"PRE_RENAME", Kind::notification, PRJ_NOTIFICATION_PRE_RENAME, "P", "rename", true, false},
    {"PRE_SET_HARDLINK", Kind::notification, PRJ_NOTIFICATION_PRE_SET_HARDLINK, "H", "link", true, false},
    {"PRE_CONVERT_TO_FULL", Kind::notification, PRJ_NOTIFICATION_FILE_PRE_CONVERT_TO_FULL, "P", "write", true, false},
    {"FILE_RENAMED", Kind::notification, PRJ_NOTIFICATION_FILE_RENAMED, "P", "rename", false, false},
    {"HARDLINK_CREATED", Kind::notification, PRJ_NOTIFICATION_HARDLINK_CREATED, "H", "link", false, false},
};

// An item, and the words that make the callback come.
std::pair<std::string, std::vector<std::string>> prepare(Scene &scene, const Trigger &trigger) {
    std::string path;
    if (trigger.is_directory) {
        path = scene.path();
        scene.instance.provider.put(path, folder());
        scene.instance.provider.put(path + "\\f", file("stored"));
        require(scene.application({"lstat", scene.instance.at(path)}).error == 0, "the directory is there");
    } else {
        path = scene.in(trigger.state);
    }
    const std::string verb = trigger.verb;
    std::vector<std::string> words = {verb, scene.instance.at(path)};
    if (verb == "write" || verb == "overwrite") {
        words.push_back("text");
    } else if (verb == "rename" || verb == "link") {
        words.push_back(scene.instance.at(path + "-other"));
    }
    return {path, words};
}

void later(Group &group, Scene &scene) {
    Instance &instance = scene.instance;
    for (const Trigger &trigger : triggers) {
        const auto kind = trigger.kind;
        group.test(std::string("answered later: ") + trigger.name, [&] {
            const auto [path, words] = prepare(scene, trigger);
            Application other;
            Pended pended(instance.provider, kind, path, trigger.notification);
            other.begin(words);
            const Record record = pended.next();
            check(!other.ended(std::chrono::milliseconds(30)), "the application waits");
            pended.close();
            std::thread thread([&] { same(scene.answer(record), hr::ok, "PrjCompleteCommand"); });
            thread.join();
            same(other.end().text(), "ok", "the operation");
            same(instance.complete(record, hr::ok), hr::invalid_argument, "completing it again");
            instance.provider.clear_hooks();
        });
        group.test(std::string("answered later with an error: ") + trigger.name, [&] {
            const auto [path, words] = prepare(scene, trigger);
            Application other;
            Pended pended(instance.provider, kind, path, trigger.notification);
            other.begin(words);
            const Record record = pended.next();
            pended.close();
            same(instance.complete(record, hr::access_denied), hr::ok, "PrjCompleteCommand");
            same(other.end().text(), trigger.can_fail ? "EACCES" : "ok", "the operation");
            if (kind == Kind::start) {
                instance.provider.forget_session(record.session);
            }
            instance.provider.clear_hooks();
        });
        group.test(std::string("completed before the callback returns: ") + trigger.name, [&] {
            const auto [path, words] = prepare(scene, trigger);
            std::atomic<bool> first{true};
            instance.provider.hook(kind, path, [&](Record &record) -> std::optional<HRESULT> {
                const bool other_kind = trigger.notification != 0 &&
                                        static_cast<uint32_t>(record.notification) != trigger.notification;
                if (other_kind || !first.exchange(false)) {
                    return std::nullopt;
                }
                std::thread thread([&] { same(scene.answer(record), hr::ok, "PrjCompleteCommand"); });
                thread.join();
                return hr::io_pending;
            });
            same(scene.application(words).text(), "ok", "the operation");
            check(!first, "the callback came");
            instance.provider.clear_hooks();
        });
    }
    group.test("answered later: end", [&] {
        const std::string path = scene.path();
        instance.provider.put(path, folder());
        Pended pended(instance.provider, Kind::end, path);
        same(scene.application({"list", instance.at(path)}).text(), "ok", "listing");
        const Record record = pended.next();
        pended.close();
        same(instance.complete(record, hr::ok), hr::ok, "PrjCompleteCommand");
        instance.provider.clear_hooks();
    });
    group.test("answered later: a close", [&] {
        const std::string path = scene.in("F");
        settle(instance, scene.application);
        Pended pended(instance.provider, Kind::notification, path, PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_NO_MODIFICATION);
        same(scene.application({"read", instance.at(path)}).text(), "ok", "reading");
        const Record record = pended.next();
        pended.close();
        same(instance.complete(record, hr::ok), hr::ok, "PrjCompleteCommand");
        instance.provider.clear_hooks();
    });
    group.test("while much is pended, one thread serves the rest", [&] {
        Scene small(true, 1);
        Pended pended(small.instance.provider, Kind::data, "");
        std::vector<std::unique_ptr<Application>> many;
        std::map<int32_t, int> ids;
        for (int i = 0; i < 8; i++) {
            const std::string path = small.path();
            small.instance.provider.put(path, file("stored"));
            many.push_back(std::make_unique<Application>());
            many.back()->begin({"read", small.instance.at(path)});
        }
        std::vector<Record> records;
        for (int i = 0; i < 8; i++) {
            records.push_back(pended.next());
            ids[records.back().command]++;
        }
        same_number(static_cast<long long>(ids.size()), 8, "different ids");
        same(small.application({"lstat", small.instance.at("d\\absent")}).text(), "ENOENT", "somebody else");
        pended.close();
        for (const Record &record : records) {
            same(small.answer(record), hr::ok, "PrjCompleteCommand");
        }
        for (auto &one : many) {
            same(one->end().value, "stored", "content");
        }
    });
}

void wrong(Group &group, Scene &scene) {
    Instance &instance = scene.instance;
    const auto pended_data = [&](const std::function<void(const Record &)> &body) {
        const std::string path = scene.in("P");
        Application other;
        Pended pended(instance.provider, Kind::data, path);
        other.begin({"read", instance.at(path)});
        const Record record = pended.next();
        pended.close();
        body(record);
        same(scene.answer(record), hr::ok, "the right completion");
        same(other.end().value, "stored", "content");
        instance.provider.clear_hooks();
    };
    group.test("completing with ERROR_IO_PENDING", [&] {
        pended_data([&](const Record &record) {
            same(PrjCompleteCommand(instance.context(), record.command, hr::io_pending, nullptr), hr::invalid_argument, "result");
        });
    });
    group.test("completing something else", [&] {
        pended_data([&](const Record &record) {
            same(PrjCompleteCommand(instance.context(), record.command + 100000, hr::ok, nullptr), hr::invalid_argument, "result");
        });
    });
    group.test("completing with the parameters of another kind", [&] {
        pended_data([&](const Record &record) {
            PRJ_COMPLETE_COMMAND_EXTENDED_PARAMETERS extended = {};
            extended.CommandType = PRJ_COMPLETE_COMMAND_TYPE_NOTIFICATION;
            same(PrjCompleteCommand(instance.context(), record.command, hr::ok, &extended), hr::invalid_argument, "notification");
            extended.CommandType = PRJ_COMPLETE_COMMAND_TYPE_ENUMERATION;
            same(PrjCompleteCommand(instance.context(), record.command, hr::ok, &extended), hr::invalid_argument, "enumeration");
            extended.CommandType = static_cast<PRJ_COMPLETE_COMMAND_TYPE>(9);
            same(PrjCompleteCommand(instance.context(), record.command, hr::ok, &extended), hr::invalid_argument, "none");
        });
    });
    group.test("completing through another instance", [&] {
        Instance other("other");
        other.start();
        pended_data([&](const Record &record) {
            same(PrjCompleteCommand(other.context(), record.command, hr::ok, nullptr), hr::invalid_argument, "result");
        });
    });
    group.test("completing a callback that has answered", [&] {
        const std::string path = scene.in("H");
        const auto records = instance.provider.records(Kind::data, path);
        require(!records.empty(), "a callback");
        same(instance.complete(records[0], hr::ok), hr::invalid_argument, "result");
    });
    group.test("completing a listing: the buffer must be given, and be its own", [&] {
        const std::string path = scene.path();
        instance.provider.put(path, folder());
        instance.provider.put(path + "\\f", file("stored"));
        require(scene.application({"lstat", instance.at(path)}).error == 0, "the directory is there");
        Application other;
        Pended pended(instance.provider, Kind::get, path);
        other.begin({"list", instance.at(path)});
        const Record record = pended.next();
        pended.close();
        const auto context = instance.context();
        PRJ_COMPLETE_COMMAND_EXTENDED_PARAMETERS extended = {};
        same(PrjCompleteCommand(context, record.command, hr::ok, nullptr), hr::invalid_argument, "nothing");
        extended.CommandType = PRJ_COMPLETE_COMMAND_TYPE_NOTIFICATION;
        same(PrjCompleteCommand(context, record.command, hr::ok, &extended), hr::invalid_argument, "a notification's");
        extended.CommandType = PRJ_COMPLETE_COMMAND_TYPE_ENUMERATION;
        same(PrjCompleteCommand(context, record.command, hr::ok, &extended), hr::invalid_argument, "no buffer");
        extended.Enumeration.DirEntryBufferHandle =
            reinterpret_cast<PRJ_DIR_ENTRY_BUFFER_HANDLE>(static_cast<uintptr_t>(0x123456));
        same(PrjCompleteCommand(context, record.command, hr::ok, &extended), hr::invalid_argument, "a made-up buffer");
        same(scene.answer(record), hr::ok, "its own");
        same(other.end().value, "f", "names");
        instance.provider.clear_hooks();
    });
    group.test("completing a notification with a mask", [&] {
        const std::string path = scene.in("F");
        settle(instance, scene.application);
        instance.provider.clear_records();
        Application other;
        Pended pended(instance.provider, Kind::notification, path, PRJ_NOTIFICATION_FILE_OPENED);
        other.begin({"write", instance.at(path), "x"});
        const Record record = pended.next();
        pended.close();
        PRJ_COMPLETE_COMMAND_EXTENDED_PARAMETERS extended = {};
        extended.CommandType = PRJ_COMPLETE_COMMAND_TYPE_NOTIFICATION;
        extended.Notification.NotificationMask = static_cast<PRJ_NOTIFY_TYPES>(0x00100000);
        same(PrjCompleteCommand(instance.context(), record.command, hr::ok, &extended), hr::invalid_argument, "unknown bits");
        extended.CommandType = PRJ_COMPLETE_COMMAND_TYPE_ENUMERATION;
        same(PrjCompleteCommand(instance.context(), record.command, hr::ok, &extended), hr::invalid_argument, "a listing's");
        extended.CommandType = PRJ_COMPLETE_COMMAND_TYPE_NOTIFICATION;
        extended.Notification.NotificationMask = PRJ_NOTIFY_SUPPRESS_NOTIFICATIONS;
        same(PrjCompleteCommand(instance.context(), record.command, hr::ok, &extended), hr::ok, "SUPPRESS");
        same(other.end().text(), "ok", "writing");
        settle(instance, scene.application);
        same(joined(instance.provider.trace(path), "; "), "FILE_OPENED " + path, "callbacks");
        instance.provider.clear_hooks();
    });
}

void cancelled(Group &group, Scene &scene) {
    Instance &instance = scene.instance;
    for (const Trigger &trigger : triggers) {
        for (const bool kills : {true, false}) {
            // What has happened is told of whoever is killed meanwhile; whether its telling is cancelled is left open.
            const bool after_the_fact = trigger.notification != 0 && !trigger.can_fail;
            if (after_the_fact && !kills) {
                continue;
            }
            group.test(std::string(kills ? "the application is killed: " : "the application is interrupted: ") + trigger.name, [&] {
                const auto [path, words] = prepare(scene, trigger);
                Pended pended(instance.provider, trigger.kind, path, trigger.notification);
                Record record;
                {
                    Application other;
                    other.begin(words);
                    record = pended.next();
                    pended.close();
                    if (kills) {
                        other.signal(SIGKILL);
                        if (!after_the_fact) {
                            check(other.gone(), "it is gone");
                        }
                    } else {
                        other.signal(SIGUSR1);
                        same(other.end().text(), "EINTR", "the operation");
                    }
                    if (!after_the_fact) {
                        check(scene.cancelled(record), "a cancellation with the id of the command comes");
                    }
                    if (trigger.kind == Kind::data) {
                        char text[] = "stored";
                        same(PrjWriteFileData(instance.context(), &record.stream, text, 0, 6), hr::handle, "PrjWriteFileData");
                    }
                    if (trigger.kind == Kind::get) {
                        const HRESULT filled = PrjFillDirEntryBuffer(wide("late").c_str(), nullptr, record.buffer);
                        one_of(filled, {hr::ok, hr::invalid_argument, hr::handle}, "PrjFillDirEntryBuffer");
                    }
                    same(instance.complete(record, hr::ok), hr::ok, "completing it does nothing");
                    same(instance.complete(record, hr::ok), hr::invalid_argument, "completing it again");
                }
                instance.provider.clear_hooks();
                if (trigger.kind == Kind::data) {
                    same(instance.state(path), "P", "state");
                    same(scene.application({"read", instance.at(path)}).value, "stored", "the next one asks again");
                }
                if (trigger.kind == Kind::get || trigger.kind == Kind::start) {
                    same(scene.application({"list", instance.at(path)}).value, "f", "the next listing");
                    check(instance.provider.wait([&] { return instance.provider.open_sessions() == 0; }),
                          "no session is left open");
                }
            });
        }
    }
    group.test("a callback that runs is cancelled, while it runs", [&] {
        const std::string path = scene.in("P");
        std::atomic<bool> saw{false};
        instance.provider.hook(Kind::data, path, [&](Record &record) -> std::optional<HRESULT> {
            saw = scene.cancelled(record);
            return hr::access_denied;
        });
        {
            Application other;
            other.begin({"read", instance.at(path)});
            instance.provider.wait_for(Kind::data, path);
            other.signal(SIGKILL);
            check(other.gone(), "the application does not wait for the callback");
        }
        check(instance.provider.wait([&] { return instance.provider.running() == 0; }), "the callback ends");
        check(saw, "it saw the cancellation");
        instance.provider.clear_hooks();
    });
    group.test("of two readers one is killed: nothing is cancelled", [&] {
        const std::string path = scene.in("P");
        Pended pended(instance.provider, Kind::data, path);
        Application stays;
        stays.begin({"read", instance.at(path)});
        const Record record = pended.next();
        pended.close();
        {
            Application goes;
            goes.begin({"read", instance.at(path)});
            usleep(50000);
            goes.signal(SIGKILL);
            check(goes.gone(), "one is gone");
        }
        settle(instance, scene.application);
        for (const Record &seen : instance.provider.records()) {
            check(seen.kind != Kind::cancel || seen.command != record.command, "a cancellation came");
        }
        same(scene.answer(record), hr::ok, "PrjCompleteCommand");
        same(stays.end().value, "stored", "content");
        instance.provider.clear_hooks();
    });
    group.test("without a cancel callback pending works, and the application can be killed", [&] {
        Scene plain(false);
        const std::string path = plain.in("P");
        Pended pended(plain.instance.provider, Kind::data, path);
        Record record;
        {
            Application other;
            other.begin({"read", plain.instance.at(path)});
            record = pended.next();
            pended.close();
            other.signal(SIGKILL);
            check(other.gone(), "it is gone");
        }
        one_of(plain.answer(record), {hr::ok, hr::handle}, "completing it");
        check(plain.instance.provider.wait([&] {
            return plain.application({"read", plain.instance.at(path)}).value == "stored";
        }),
              "content");
    });
    group.test("a cancelled start that then succeeds is ended", [&] {
        const std::string path = scene.path();
        instance.provider.put(path, folder());
        require(scene.application({"lstat", instance.at(path)}).error == 0, "the directory is there");
        Pended pended(instance.provider, Kind::start, path);
        Record record;
        {
            Application other;
            other.begin({"list", instance.at(path)});
            record = pended.next();
            pended.close();
            other.signal(SIGKILL);
            check(other.gone(), "it is gone");
        }
        check(scene.cancelled(record), "a cancellation comes");
        same(instance.complete(record, hr::ok), hr::ok, "it succeeds after all");
        check(instance.provider.wait([&] { return instance.provider.open_sessions() == 0; }), "end follows");
        instance.provider.clear_hooks();
    });
}

void at_stop(Group &group) {
    for (const Trigger &trigger : triggers) {
        group.test(std::string("pended at a stop: ") + trigger.name, [&] {
            Scene scene;
            const auto [path, words] = prepare(scene, trigger);
            Pended pended(scene.instance.provider, trigger.kind, path, trigger.notification);
            Application other;
            other.begin(words);
            const Record record = pended.next();
            pended.close();
            const auto context = scene.instance.context();
            scene.instance.stop();
            bool cancellation = false;
            for (const Record &seen : scene.instance.provider.records()) {
                cancellation = cancellation || (seen.kind == Kind::cancel && seen.command == record.command);
            }
            check(cancellation, "a cancellation came before the stop returned");
            const Outcome outcome = other.end();
            const bool told_after = trigger.notification != 0 && !trigger.can_fail;
            if (told_after || trigger.kind == Kind::query) {
                one_of(outcome.text(), {"ok", "EHOSTDOWN", "ENOTCONN", "ECONNABORTED", "EIO"}, "the operation");
            } else {
                one_of(outcome.text(), {"EHOSTDOWN", "ENOTCONN", "ECONNABORTED"}, "the operation");
            }
            one_of(PrjCompleteCommand(context, record.command, hr::ok, nullptr), {hr::handle, hr::invalid_argument},
                   "completing it after the stop");
        });
    }
}

}  // namespace

void asynchronous(Group &group) {
    {
        Scene scene;
        later(group, scene);
        wrong(group, scene);
        cancelled(group, scene);
        group.test("sessions were used as they must be", [&] {
            for (const std::string &fault : scene.instance.provider.session_faults()) {
                fail(fault);
            }
        });
    }
    at_stop(group);
}

// Thousands of commands are pended and completed by eight threads in any order, while those who wait are interrupted.
void stress(Group &group) {
    group.test("pended commands, completed in random order with random interruptions", [&] {
        constexpr int users = 16;
        // Each file is asked for twice: for its metadata and for its content.
        const int files = std::max(1, static_cast<int>(settings.stress) / 2 / users);
        Instance instance("stress");
        instance.provider.put("d", folder());
        for (int i = 0; i < users * files; i++) {
            instance.provider.put("d\\" + std::to_string(i), file("stored"));
        }
        std::mutex lock;
        std::vector<Record> waiting;
        std::map<int32_t, int> outstanding;
        long long pended = 0;
        const Hook pend = [&](Record &record) -> std::optional<HRESULT> {
            if (record.path == "d") {
                return std::nullopt;
            }
            const std::lock_guard guard(lock);
            if (outstanding[record.command]++ != 0) {
                fail("an id is used for two commands at once: " + record.text());
            }
            waiting.push_back(record);
            pended++;
            return hr::io_pending;
        };
        instance.provider.hook(Kind::info, "", pend);
        instance.provider.hook(Kind::data, "", pend);
        Instance::Options options;
        options.notifications = false;
        instance.start(options);

        std::atomic<bool> on{true};
        std::atomic<long long> completed{0};
        std::atomic<long long> signals{0};
        const unsigned seed = std::random_device{}();
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < 8; t++) {
            threads.emplace_back([&, t] {
                std::mt19937 random(seed + t);
                while (on) {
                    Record record;
                    {
                        const std::lock_guard guard(lock);
                        if (!waiting.empty()) {
                            std::swap(waiting[random() % waiting.size()], waiting.back());
                            record = waiting.back();
                            waiting.pop_back();
                        }
                    }
                    if (record.context == nullptr) {
                        usleep(100);
                        continue;
                    }
                    if (random() % 20 == 0 && record.process != 0) {
                        kill(static_cast<pid_t>(record.process), SIGUSR1);
                        signals++;
                        if (random() % 2 == 0) {
                            usleep(random() % 1000);
                        }
                    }
                    const HRESULT result = record.kind == Kind::info ? instance.provider.answer_info(record)
                                                                     : instance.provider.answer_data(record);
                    // Before it is completed: its id may be used again as soon as it is.
                    {
                        const std::lock_guard guard(lock);
                        outstanding[record.command]--;
                    }
                    const HRESULT done = PrjCompleteCommand(instance.context(), record.command, result, nullptr);
                    if (done != hr::ok) {
                        fail("completing: " + show(done));
                    }
                    completed++;
                }
            });
        }
        std::vector<std::unique_ptr<Application>> many;
        for (int i = 0; i < users; i++) {
            many.push_back(std::make_unique<Application>());
            many.back()->begin({"work", instance.at("d"), std::to_string(i * files), std::to_string(files), "stored"});
        }
        long long interrupted = 0;
        const unsigned patience = settings.patience;
        settings.patience = patience * 10;
        for (auto &one : many) {
            const Outcome outcome = one->end();
            same(outcome.text(), "ok", "a user: " + outcome.value);
            interrupted += std::atoll(outcome.value.c_str());
        }
        settings.patience = patience;
        instance.provider.wait([&] {
            const std::lock_guard guard(lock);
            return waiting.empty() && completed == pended;
        });
        on = false;
        for (std::thread &thread : threads) {
            thread.join();
        }
        same_number(completed, pended, "completed, of what was pended");
        check(pended >= 2LL * users * files, "each file was asked for twice: " + std::to_string(pended));
        int not_hydrated = 0;
        for (int i = 0; i < users * files; i++) {
            not_hydrated += instance.state("d\\" + std::to_string(i)) == "H" ? 0 : 1;
        }
        same_number(not_hydrated, 0, "files that are not hydrated in the end");
        group.found(std::to_string(pended) + " commands, " + std::to_string(signals) + " signals, " +
                    std::to_string(interrupted) + " operations interrupted; seed " + std::to_string(seed));
        instance.stop();
        instance.provider.clear_hooks();
    });
}
