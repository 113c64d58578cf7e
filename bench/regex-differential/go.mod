module regex-differential

go 1.25
