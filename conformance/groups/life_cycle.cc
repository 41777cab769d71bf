// Marking, starting and stopping; several instances; what a root is while nothing runs.
#include "../groups.h"

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <unistd.h>

namespace {

HRESULT mark(const std::string &root, const GUID &id, const char *target = nullptr) {
    const WideString wide_target = wide(target == nullptr ? "" : target);
    return PrjMarkDirectoryAsPlaceholder(wide(root).c_str(), target == nullptr ? nullptr : wide_target.c_str(), nullptr, &id);
}

HRESULT start(Provider &provider, const std::string &root, PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT *context,
              const PRJ_STARTVIRTUALIZING_OPTIONS *options = nullptr) {
    const PRJ_CALLBACKS table = provider.callbacks();
    return PrjStartVirtualizing(wide(root).c_str(), &table, nullptr, options, context);
}

void marking(Group &group) {
    group.test("a directory is marked once", [] {
        const std::string root = fresh_directory("mark");
        same(mark(root, fresh_guid()), hr::ok, "the first time");
        same(mark(root, fresh_guid()), hr::reparse_point_encountered, "the second time");
    });
    group.test("an empty target is the root itself", [] {
        same(mark(fresh_directory("mark"), fresh_guid(), ""), hr::ok, "an empty target");
    });
    group.test("marking again keeps the id of the first time", [] {
        Instance instance("mark");
        same(mark(instance.root(), fresh_guid()), hr::reparse_point_encountered, "marking again");
        instance.start();
        PRJ_VIRTUALIZATION_INSTANCE_INFO info = {};
        same(PrjGetVirtualizationInstanceInfo(instance.context(), &info), hr::ok, "PrjGetVirtualizationInstanceInfo");
        same(show(info.InstanceID), show(instance.id()), "id");
    });
    group.test("a path that does not exist", [] {
        const std::string root = fresh_directory("mark");
        same(mark(root + "/nowhere", fresh_guid()), hr::file_not_found, "the last part is missing");
        same(mark(root + "/no/where", fresh_guid()), hr::path_not_found, "an earlier part is missing");
    });
    group.test("a file", [] {
        const std::string file = fresh_directory("mark") + "/file";
        std::ofstream(file) << "text";
        same(mark(file, fresh_guid()), hr::directory, "marking a file");
    });
    group.test("what is in the directory already is local, and wins", [] {
        const std::string root = fresh_directory("mark");
        std::ofstream(root + "/mine") << "local";
        std::ofstream(root + "/both") << "local";
        const GUID id = fresh_guid();
        require_ok(mark(root, id), "marking");
        Instance instance("unused");
        instance.provider.put("both", file("stored"));
        instance.provider.put("theirs", file("stored"));
        const PRJ_CALLBACKS table = instance.provider.callbacks();
        PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
        require_ok(PrjStartVirtualizing(wide(root).c_str(), &table, &instance, nullptr, &context), "starting");
        {
            Application application;
            same(application({"read", root + "/mine"}).value, "local", "mine");
            same(application({"read", root + "/both"}).value, "local", "both");
            same(application({"read", root + "/theirs"}).value, "stored", "theirs");
            same(application({"state", root + "/mine"}).value, "F", "state of mine");
        }
        PrjStopVirtualizing(context);
    });
    group.test("roots are not nested", [] {
        const std::string outer = fresh_directory("mark");
        std::filesystem::create_directories(outer + "/a/b");
        require_ok(mark(outer + "/a", fresh_guid()), "marking");
        same(mark(outer + "/a/b", fresh_guid()), hr::invalid_operation, "below a root");
        same(mark(outer, fresh_guid()), hr::invalid_operation, "above a root");
    });
    group.test("with another id than the root's, below it", [] {
        Instance instance("mark");
        instance.start();
        Application application;
        require(application({"mkdir", instance.at("full")}).error == 0, "mkdir");
        same(mark(instance.root(), fresh_guid(), instance.at("full").c_str()), hr::invalid_argument, "another id");
        same(instance.state("full"), "F", "state");
        same(mark(instance.root(), instance.id(), fresh_directory("elsewhere").c_str()), hr::invalid_argument,
             "a target that is not below the root");
    });
    group.test("a null pointer, an empty path", [] {
        const std::string root = fresh_directory("mark");
        const GUID id = fresh_guid();
        same(PrjMarkDirectoryAsPlaceholder(nullptr, nullptr, nullptr, &id), hr::invalid_argument, "no path");
        same(PrjMarkDirectoryAsPlaceholder(wide("").c_str(), nullptr, nullptr, &id), hr::invalid_argument, "an empty path");
        same(PrjMarkDirectoryAsPlaceholder(wide(root).c_str(), nullptr, nullptr, nullptr), hr::invalid_argument, "no id");
    });
    group.test("the version that the root is marked with comes with what is asked about it", [] {
        const std::string root = fresh_directory("mark");
        const GUID id = fresh_guid();
        const PRJ_PLACEHOLDER_VERSION_INFO version = version_info("provider", "of the root");
        require_ok(PrjMarkDirectoryAsPlaceholder(wide(root).c_str(), nullptr, &version, &id), "marking");
        Instance instance("unused");
        const PRJ_CALLBACKS table = instance.provider.callbacks();
        PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
        require_ok(PrjStartVirtualizing(wide(root).c_str(), &table, &instance, nullptr, &context), "starting");
        {
            Application application;
            application({"lstat", root + "/absent"});
        }
        const auto asked = instance.provider.records(Kind::info, "absent");
        check(!asked.empty() && asked[0].has_version && asked[0].content_id() == "of the root", "its version");
        PrjStopVirtualizing(context);
    });
}

void starting(Group &group) {
    group.test("a directory that is not marked", [] {
        Provider provider;
        PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
        one_of(start(provider, fresh_directory("start"), &context), {hr::reparse_tag_mismatch, hr::provider_unknown}, "result");
        check(context == nullptr, "there is no context");
    });
    group.test("a path that does not exist, a file", [] {
        Provider provider;
        PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
        const std::string root = fresh_directory("start");
        same(start(provider, root + "/nowhere", &context), hr::file_not_found, "the last part is missing");
        same(start(provider, root + "/no/where", &context), hr::path_not_found, "an earlier part is missing");
        std::ofstream(root + "/file") << "text";
        one_of(start(provider, root + "/file", &context), {hr::directory, hr::reparse_tag_mismatch}, "a file");
    });
    group.test("twice", [] {
        Instance instance("start");
        instance.start();
        Provider provider;
        PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
        same(start(provider, instance.root(), &context), hr::already_initialized, "the second time");
        Application application;
        instance.provider.put("f", file("stored"));
        same(application({"read", instance.at("f")}).value, "stored", "the first goes on");
    });
    group.test("with missing callbacks", [] {
        const std::string root = fresh_directory("start");
        require_ok(mark(root, fresh_guid()), "marking");
        Provider provider;
        for (int missing = 0; missing < 8; missing++) {
            PRJ_CALLBACKS table = provider.callbacks();
            void *none = nullptr;
            std::memcpy(reinterpret_cast<char *>(&table) + missing * sizeof(void *), &none, sizeof none);
            PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
            const HRESULT result = PrjStartVirtualizing(wide(root).c_str(), &table, nullptr, nullptr, &context);
            same(result, missing < 5 ? hr::invalid_argument : hr::ok, "without member " + std::to_string(missing));
            if (result == hr::ok) {
                PrjStopVirtualizing(context);
            }
        }
    });
    group.test("with null pointers", [] {
        Instance instance("start");
        const PRJ_CALLBACKS table = instance.provider.callbacks();
        PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
        same(PrjStartVirtualizing(nullptr, &table, nullptr, nullptr, &context), hr::invalid_argument, "no path");
        same(PrjStartVirtualizing(wide(instance.root()).c_str(), nullptr, nullptr, nullptr, &context), hr::invalid_argument,
             "no callbacks");
        same(PrjStartVirtualizing(wide(instance.root()).c_str(), &table, nullptr, nullptr, nullptr), hr::invalid_argument,
             "nowhere to put the context");
    });
    group.test("with options that are wrong", [] {
        Instance instance("start");
        const PRJ_CALLBACKS table = instance.provider.callbacks();
        PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
        PRJ_STARTVIRTUALIZING_OPTIONS options = {};
        options.NotificationMappingsCount = 1;
        same(PrjStartVirtualizing(wide(instance.root()).c_str(), &table, nullptr, &options, &context), hr::invalid_argument,
             "a count without mappings");
        options.NotificationMappingsCount = 0;
        options.Flags = static_cast<PRJ_STARTVIRTUALIZING_FLAGS>(0x80);
        same(PrjStartVirtualizing(wide(instance.root()).c_str(), &table, nullptr, &options, &context), hr::invalid_argument,
             "flags that do not exist");
        PRJ_NOTIFICATION_MAPPING mapping = {};
        mapping.NotificationBitMask = PRJ_NOTIFY_FILE_OPENED;
        options.Flags = PRJ_FLAG_NONE;
        options.NotificationMappings = &mapping;
        options.NotificationMappingsCount = 1;
        same(PrjStartVirtualizing(wide(instance.root()).c_str(), &table, nullptr, &options, &context), hr::invalid_argument,
             "a mapping without a root");
        check(context == nullptr, "there is no context");
    });
    group.test("what was given may be freed at once", [] {
        Instance instance("start");
        instance.provider.put("f", file("stored"));
        auto table = std::make_unique<PRJ_CALLBACKS>(instance.provider.callbacks());
        auto path = std::make_unique<WideString>(wide(instance.root()));
        auto name = std::make_unique<WideString>(wide(""));
        auto mapping = std::make_unique<PRJ_NOTIFICATION_MAPPING>();
        mapping->NotificationBitMask = PRJ_NOTIFY_FILE_OPENED;
        mapping->NotificationRoot = name->c_str();
        auto options = std::make_unique<PRJ_STARTVIRTUALIZING_OPTIONS>();
        options->NotificationMappings = mapping.get();
        options->NotificationMappingsCount = 1;
        PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
        require_ok(PrjStartVirtualizing(path->c_str(), table.get(), &instance, options.get(), &context), "starting");
        std::memset(static_cast<void *>(table.get()), 0xEE, sizeof *table);
        std::memset(static_cast<void *>(mapping.get()), 0xEE, sizeof *mapping);
        name->assign(1, static_cast<WCHAR>('x'));
        table.reset();
        mapping.reset();
        options.reset();
        path.reset();
        name.reset();
        {
            Application application;
            same(application({"read", instance.at("f")}).value, "stored", "it works");
        }
        check(instance.provider.wait_for(Kind::notification, "f"), "notifications come");
        PrjStopVirtualizing(context);
    });
    for (const auto &[pool, concurrent] : {std::pair{1u, 1u}, std::pair{4u, 2u}, std::pair{2u, 8u}, std::pair{0u, 3u}}) {
        group.test("with " + std::to_string(pool) + " threads, " + std::to_string(concurrent) + " at once",
                   [pool = pool, concurrent = concurrent] {
                       Instance instance("threads");
                       for (int i = 0; i < 32; i++) {
                           instance.provider.put("f" + std::to_string(i), file("stored"));
                       }
                       instance.provider.hook(Kind::data, "", [](Record &) -> std::optional<HRESULT> {
                           usleep(5000);
                           return std::nullopt;
                       });
                       Instance::Options options;
                       options.pool = pool;
                       options.concurrent = concurrent;
                       options.notifications = false;
                       instance.start(options);
                       std::vector<std::unique_ptr<Application>> many;
                       for (int i = 0; i < 8; i++) {
                           many.push_back(std::make_unique<Application>());
                       }
                       for (int round = 0; round < 4; round++) {
                           for (int i = 0; i < 8; i++) {
                               many[static_cast<size_t>(i)]->begin({"read", instance.at("f" + std::to_string(round * 8 + i))});
                           }
                           for (auto &one : many) {
                               same(one->end().value, "stored", "content");
                           }
                       }
                       const unsigned most = pool == 0 ? 2 * concurrent : pool;
                       check(instance.provider.most_running() <= static_cast<int>(most),
                             "at most " + std::to_string(most) + " callbacks at once, seen " +
                                 std::to_string(instance.provider.most_running()));
                   });
    }
}

void stopping(Group &group) {
    group.test("no callback runs after the stop, and the root is there", [] {
        Instance instance("stop");
        for (int i = 0; i < 200; i++) {
            instance.provider.put("f" + std::to_string(i), file("stored"));
        }
        instance.start();
        std::atomic<bool> on{true};
        std::vector<std::thread> users;
        for (int t = 0; t < 4; t++) {
            users.emplace_back([&, t] {
                Application application;
                for (int i = t; on; i = (i + 4) % 200) {
                    application({"read", instance.at("f" + std::to_string(i))});
                }
            });
        }
        instance.provider.wait([&] { return instance.provider.records().size() > 20; });
        instance.stop();
        check(instance.provider.running() == 0, "nothing runs when it has returned");
        const size_t then = instance.provider.records().size();
        usleep(50000);
        on = false;
        for (std::thread &user : users) {
            user.join();
        }
        same_number(static_cast<long long>(instance.provider.records().size()), static_cast<long long>(then), "callbacks after");
    });
    group.test("start and stop, again and again", [] {
        Instance instance("stop");
        instance.provider.put("f", file("stored"));
        Application application;
        std::set<PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT> contexts;
        for (int i = 0; i < 20; i++) {
            instance.start();
            same(application({"read", instance.at("f")}).value, "stored", "content");
            contexts.insert(instance.context());
            instance.stop();
        }
        same_number(static_cast<long long>(instance.provider.records(Kind::data, "f").size()), 1, "it was fetched once");
    });
    group.test("from a callback it is refused, and does not hang", [] {
        Instance instance("stop");
        instance.provider.put("f", file("stored"));
        instance.provider.hook(Kind::data, "f", [](Record &record) -> std::optional<HRESULT> {
            PrjStopVirtualizing(record.context);
            return std::nullopt;
        });
        instance.start();
        Application application;
        same(application({"read", instance.at("f")}).value, "stored", "content");
        instance.provider.put("g", file("stored"));
        same(application({"read", instance.at("g")}).value, "stored", "it still runs");
    });
    group.test("stopped, what is hydrated or full can be read, and nothing that is not", [] {
        Instance instance("stop");
        Application application;
        instance.start();
        for (const char *state : {"P", "H", "DP", "DH", "F", "L", "T"}) {
            bring_into_state(instance, application, state, state);
        }
        instance.stop();
        same(application({"read", instance.at("H")}).value, "stored", "hydrated");
        same(application({"read", instance.at("DH")}).value, "stored", "hydrated and dirty");
        same(application({"read", instance.at("F")}).value, "changed", "full");
        same(application({"read", instance.at("L")}).value, "local", "local");
        for (const char *state : {"P", "DP"}) {
            const Outcome outcome = application({"read", instance.at(state)});
            // Root may read anything; what it must not find is a file of zeros, or of nothing, of the promised size.
            check(outcome.error != 0 || outcome.value.empty(), std::string("a placeholder is not read: ") + state);
        }
        const Outcome removed = application({"rmdir", instance.root()});
        one_of(removed.text(), {"ENOTEMPTY", "EEXIST"}, "removing the root");
    });
    group.test("stopped, a tree is removed by ordinary means", [] {
        Instance instance("stop");
        Application application;
        instance.provider.put("d", folder());
        instance.start();
        application({"lstat", instance.at("d")});
        for (const char *state : {"P", "H", "DP", "DH", "F", "L", "T"}) {
            bring_into_state(instance, application, std::string("d\\") + state, state);
        }
        instance.stop();
        std::error_code error;
        std::filesystem::remove_all(instance.root(), error);
        check(!error, "removing everything: " + error.message());
    });
    group.test("running, the root cannot be removed", [] {
        Instance instance("stop");
        instance.start();
        Application application;
        same(application({"rmdir", instance.root()}).text(), "EBUSY", "rmdir");
    });
    group.test("what changes while stopped is found at the next start", [] {
        Instance instance("stop");
        Application application;
        instance.start();
        bring_into_state(instance, application, "changed", "H");
        bring_into_state(instance, application, "deleted", "H");
        instance.stop();
        require(application({"write", instance.at("changed"), "mine while stopped"}).error == 0, "writing while stopped");
        require(application({"unlink", instance.at("deleted")}).error == 0, "deleting while stopped");
        require(application({"create", instance.at("new"), "mine"}).error == 0, "creating while stopped");
        instance.start();
        same(application({"read", instance.at("changed")}).value, "mine while stopped", "what was changed");
        same(instance.state("changed"), "F", "state of what was changed");
        same(instance.state("new"), "F", "state of what was created");
        same(instance.state("deleted"), "none", "state of what was deleted");
        same(application({"read", instance.at("deleted")}).value, "stored", "what was deleted is virtual again");
    });
    group.test("a root may be moved while stopped", [] {
        Instance instance("stop");
        Application application;
        instance.start();
        bring_into_state(instance, application, "f", "P");
        bring_into_state(instance, application, "g", "H");
        instance.stop();
        const std::string moved = instance.root() + "-moved";
        std::filesystem::rename(instance.root(), moved);
        const PRJ_CALLBACKS table = instance.provider.callbacks();
        PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
        require_ok(PrjStartVirtualizing(wide(moved).c_str(), &table, &instance, nullptr, &context), "starting");
        same(application({"read", moved + "/f"}).value, "stored", "a placeholder");
        same(application({"state", moved + "/g"}).value, "H", "state");
        PrjStopVirtualizing(context);
        std::filesystem::remove_all(moved);
    });
}

void several(Group &group) {
    group.test("several instances in one process do not meet", [] {
        std::vector<std::unique_ptr<Instance>> instances;
        for (int i = 0; i < 4; i++) {
            instances.push_back(std::make_unique<Instance>("several"));
            instances.back()->provider.put("f", file("of " + std::to_string(i)));
            instances.back()->start();
        }
        Application application;
        for (size_t i = 0; i < instances.size(); i++) {
            same(application({"read", instances[i]->at("f")}).value, "of " + std::to_string(i), "content");
            for (const Record &record : instances[i]->provider.records()) {
                check(record.context == instances[i]->context(), "the context is that of the instance");
                check(record.instance_context == instances[i].get(), "and so is its own context");
            }
            PRJ_VIRTUALIZATION_INSTANCE_INFO info = {};
            same(PrjGetVirtualizationInstanceInfo(instances[i]->context(), &info), hr::ok, "PrjGetVirtualizationInstanceInfo");
            same(show(info.InstanceID), show(instances[i]->id()), "id");
        }
        instances[1]->stop();
        same(application({"read", instances[2]->at("f")}).value, "of 2", "the others go on");
        same(instances[0]->drop("f", 0), hr::ok, "a call on one");
        same(instances[2]->state("f"), "H", "does nothing to another");
    });
    group.test("the id and the alignment are asked for in a callback", [] {
        Instance instance("info");
        instance.provider.put("f", file("stored"));
        std::atomic<HRESULT> result{hr::internal_error};
        std::mutex lock;
        PRJ_VIRTUALIZATION_INSTANCE_INFO info = {};
        instance.provider.hook(Kind::data, "f", [&](Record &record) -> std::optional<HRESULT> {
            const std::lock_guard guard(lock);
            result = PrjGetVirtualizationInstanceInfo(record.context, &info);
            return std::nullopt;
        });
        instance.start();
        Application application;
        application({"read", instance.at("f")});
        const std::lock_guard guard(lock);
        same(result, hr::ok, "result");
        same(show(info.InstanceID), show(instance.id()), "id");
        check(info.WriteAlignment >= 512 && (info.WriteAlignment & (info.WriteAlignment - 1)) == 0,
              "the alignment is a power of two, at least 512: " + std::to_string(info.WriteAlignment));
        instance.provider.clear_hooks();
    });
}

}  // namespace

void life_cycle(Group &group) {
    marking(group);
    starting(group);
    stopping(group);
    several(group);
}
