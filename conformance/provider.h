// The scripted provider: a tree in memory, answers that a case can change, and a record of every callback.
#pragma once

#include "check.h"
#include "text.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

// An item of the tree that is projected.
struct Entry {
    bool directory = false;
    std::string content;
    int64_t size = -1;                       // -1: that of the content; beyond the content there are zeros
    std::string version = "1";               // ContentID
    std::string provider_version = "p";      // ProviderID
    int64_t written = 132223104000000000;    // 2020-01-01, in units of 100 ns since 1601
    uint32_t attributes = 0;
    std::optional<std::string> target;       // of a symbolic link
    std::string variable;                    // what follows the structure: extended attributes
    int64_t length() const { return directory ? 0 : size >= 0 ? size : static_cast<int64_t>(content.size()); }
};

// Paths as the API has them, with backslashes. The root is not in it.
using View = std::map<std::string, Entry>;

Entry file(std::string content, std::string version = "1");
Entry folder(std::string version = "1");

enum class Kind { start, get, end, info, data, query, notification, cancel };

// One callback, with everything that it was given, copied.
struct Record {
    Kind kind = Kind::info;
    uint64_t number = 0;                     // in the order of arrival
    uint32_t size = 0;
    int32_t flags = 0;
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
    int32_t command = 0;
    GUID file_id = {};
    GUID stream = {};
    bool has_path = false;
    std::string path;
    bool has_version = false;
    PRJ_PLACEHOLDER_VERSION_INFO version = {};
    uint32_t process = 0;
    bool has_image = false;
    std::string image;
    void *instance_context = nullptr;

    GUID session = {};                       // enumerations
    bool has_expression = false;
    std::string expression;
    PRJ_DIR_ENTRY_BUFFER_HANDLE buffer = nullptr;
    uint64_t offset = 0;                     // data
    uint32_t length = 0;
    bool directory = false;                  // notifications
    uint8_t directory_byte = 0;
    PRJ_NOTIFICATION notification = static_cast<PRJ_NOTIFICATION>(0);
    bool has_destination = false;
    std::string destination;
    uint32_t parameters = 0;                 // as they came
    PRJ_NOTIFICATION_PARAMETERS *parameters_at = nullptr;  // only while the callback runs

    std::string content_id() const;          // up to the first zero
    std::string text() const;                // one line of a trace
};

class Provider;

// A hook replaces the answer to some callbacks. Without a value the provider answers as it always does.
using Hook = std::function<std::optional<HRESULT>(Record &)>;

class Provider {
  public:
    Provider();
    ~Provider();
    Provider(const Provider &) = delete;
    Provider &operator=(const Provider &) = delete;

    // The tree.
    void set_view(View view);
    View view() const;
    void put(const std::string &path, Entry entry);
    void remove(const std::string &path);
    std::optional<Entry> find(const std::string &path) const;
    std::atomic<bool> ignore_case{settings.ignore_case};
    // A path as the tree spells it.
    std::string spelled(const std::string &path) const;

    // Hooks. The latest that fits the kind and the path comes first; an empty path fits all.
    void hook(Kind kind, const std::string &path, Hook hook);
    void clear_hooks();

    // What was recorded.
    std::vector<Record> records() const;
    std::vector<Record> records(Kind kind, const std::string &path) const;
    void clear_records();
    // The trace of the paths that begin like this (with the path itself). What the library asks to find out whether a name
    // is in the store is left out unless asked for.
    std::vector<std::string> trace(const std::string &prefix, bool questions = false) const;
    // Waits until something holds that callbacks bring about.
    bool wait(const std::function<bool()> &holds) const;
    bool wait_for(Kind kind, const std::string &path, size_t count = 1) const;
    // Callbacks that run at this moment.
    int running() const { return running_; }
    int most_running() const { return most_running_; }

    // The answers, also for what was pended.
    HRESULT answer_info(const Record &record);
    HRESULT answer_data(const Record &record);
    HRESULT answer_entries(const Record &record);
    HRESULT answer_query(const Record &record);

    // How many entries a get-enumeration callback adds at most; 0: until it is refused.
    std::atomic<size_t> batch{0};
    // Entries are listed in this order instead of the API's.
    std::atomic<bool> backwards{false};
    // How often a buffer was full.
    std::atomic<size_t> refusals{0};
    // Placeholders are written and entries filled by the second forms of the functions.
    std::atomic<bool> second_forms{true};

    // Sessions that were started and not ended.
    size_t open_sessions() const;
    // A pended start failed: there is nothing to end.
    void forget_session(const GUID &session);
    // What a session did that it must not.
    std::vector<std::string> session_faults() const;

    PRJ_CALLBACKS callbacks(bool with_query = true, bool with_notifications = true, bool with_cancel = true) const;

    HRESULT receive(Record record);          // from the callbacks

  private:
    struct Session {
        std::vector<std::pair<std::string, Entry>> entries;
        size_t next = 0;
        bool captured = false;
        bool has_expression = false;
        std::string expression;
        std::string directory;
        int gets_running = 0;
    };
    void load(Session &session, const Record &record);

    mutable std::mutex lock_;
    mutable std::condition_variable changed_;
    View view_;
    std::vector<Record> records_;
    std::vector<std::tuple<Kind, std::string, Hook>> hooks_;
    std::map<std::string, std::shared_ptr<Session>> sessions_;
    std::vector<std::string> faults_;
    std::atomic<int> running_{0};
    std::atomic<int> most_running_{0};
    std::atomic<uint64_t> next_number_{0};
};

// What PrjWritePlaceholderInfo wants, with what follows it.
class PlaceholderInfo {
  public:
    explicit PlaceholderInfo(const Entry &entry);
    PRJ_PLACEHOLDER_INFO *get() { return reinterpret_cast<PRJ_PLACEHOLDER_INFO *>(bytes_.data()); }
    uint32_t size() const { return static_cast<uint32_t>(size_); }

  private:
    std::vector<uint64_t> bytes_;
    size_t size_ = 0;
};

PRJ_FILE_BASIC_INFO basic_info(const Entry &entry);

// One extended attribute as Windows lays it out (FILE_FULL_EA_INFORMATION).
std::string extended_attribute(const std::string &name, const std::string &value);
// A chain of them.
std::string extended_attributes(const std::vector<std::pair<std::string, std::string>> &attributes);

// A root with a provider, and the mount.
class Instance {
  public:
    // Makes and marks a root.
    explicit Instance(const std::string &name);
    ~Instance();
    Instance(const Instance &) = delete;
    Instance &operator=(const Instance &) = delete;

    struct Options {
        std::vector<std::pair<std::string, uint32_t>> mappings;
        bool no_mappings = false;            // NULL and 0
        uint32_t flags = 0;
        bool ignore_case = settings.ignore_case;
        uint32_t pool = 0;
        uint32_t concurrent = 0;
        bool query = true;
        bool notifications = true;
        bool cancel = true;
        bool none = false;                   // no options at all
    };
    HRESULT try_start(const Options &options);
    void start(const Options &options);
    void start() { start(Options()); }
    void stop();
    bool running() const { return context_ != nullptr; }

    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context() const { return context_; }
    const GUID &id() const { return id_; }
    const std::string &root() const { return root_; }
    // A full path, of a path with backslashes.
    std::string at(const std::string &path) const;
    std::string state(const std::string &path) const;

    HRESULT update(const std::string &path, const Entry &entry, int flags, PRJ_UPDATE_FAILURE_CAUSES *causes = nullptr);
    HRESULT drop(const std::string &path, int flags, PRJ_UPDATE_FAILURE_CAUSES *causes = nullptr);
    HRESULT place(const std::string &path, const Entry &entry);
    HRESULT mark(const std::string &path, const char *version);
    HRESULT complete(const Record &record, HRESULT result);

    Provider provider;

  private:
    std::string root_;
    GUID id_ = {};
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context_ = nullptr;
};

// A directory of this run that does not exist yet.
std::string fresh_directory(const std::string &name);
GUID fresh_guid();
PRJ_PLACEHOLDER_VERSION_INFO version_info(const std::string &provider, const std::string &content);
